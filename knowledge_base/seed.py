"""The sheets that come with the software: imported once, and followed as long as no editor has changed them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from core.errors import ConfigurationError
from knowledge_base.editions import in_print, newest_published, newest_seed, offer_seed, print_seed
from knowledge_base.sheet import load_sheets


@dataclass
class SeedImport:
    """What an import did, each as «region/sheet»."""

    printed: list[str] = field(default_factory=list)  # new, or changed with their file
    offered: list[str] = field(default_factory=list)  # edited here and changed there: an editor decides
    withdrawn: list[str] = field(default_factory=list)  # the file is gone and nobody had edited the sheet

    def __bool__(self) -> bool:
        return bool(self.printed or self.offered or self.withdrawn)


def import_seed(session: Session, directory: Path) -> SeedImport:
    """Take in ``<directory>/<region>/<id>.md``. Raises MalformedSheet, ConfigurationError where there is no sheet."""
    files = {(sheet.region, sheet.id): directory / sheet.region / f"{sheet.id}.md" for sheet in load_sheets(directory)}
    if not files:
        raise ConfigurationError(f"no sheets in {directory}: the installation is not whole")
    done = SeedImport()
    for (region, name), file in files.items():
        _take(session, done, region, name, file.read_text("utf-8").replace("\r\n", "\n"))
    for edition in in_print(session):
        if edition.origin == "seed" and edition.author_id is None and (edition.region, edition.sheet) not in files:
            print_seed(session, edition.region, edition.sheet, "")
            done.withdrawn.append(f"{edition.region}/{edition.sheet}")
    return done


def _take(session: Session, done: SeedImport, region: str, name: str, text: str) -> None:
    newest, seed = newest_published(session, region, name), newest_seed(session, region, name)
    if newest is not None and newest.text == text:
        return
    if newest is None or (newest.origin == "seed" and newest.author_id is None):
        print_seed(session, region, name, text)
        done.printed.append(f"{region}/{name}")
    elif seed is None or seed.text != text:
        offer_seed(session, region, name, text)
        done.offered.append(f"{region}/{name}")
