"""The county's list of households, taken in from a spreadsheet of the official system; apart from any conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import LargeBinary, SmallInteger, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cadres.spreadsheet import BadList, lines_of, phone_of
from core import clock
from core.crypto import Vault
from core.database import Base
from core.regions import Regions

COLUMNS = {"村代码": "region", "户编号": "official", "户主": "name", "电话": "phone", "人口": "people"}
NEEDED = ("村代码", "户编号", "户主")
MOST_PEOPLE = 30
CHUNK = 500  # households looked up at once


class Household(Base):
    """One household. Name and phone are sealed; the name is found by its keyed hash."""

    __tablename__ = "households"
    id: Mapped[int] = mapped_column(primary_key=True)
    official: Mapped[str] = mapped_column(String(60), unique=True)
    region: Mapped[str] = mapped_column(String(12), index=True)
    name: Mapped[bytes] = mapped_column(LargeBinary)
    name_hash: Mapped[str] = mapped_column(String(64), index=True)
    phone: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    people: Mapped[int] = mapped_column(SmallInteger, default=0)
    changed_at: Mapped[datetime]


@dataclass(frozen=True)
class Line:
    """One line of a list, checked. ``phone`` in E.164 or empty."""

    region: str
    official: str
    name: str
    phone: str
    people: int


@dataclass(frozen=True)
class TakenIn:
    """How a list was taken in."""

    new: int
    changed: int


def read_list(file: Path, regions: Regions, county: str) -> list[Line]:
    """The lines of an Excel file whose first row names the columns. Raises BadList with a sentence for each bad line."""
    lines, faults, seen = list[Line](), list[str](), dict[str, int]()
    for number, cells in lines_of(file, COLUMNS, NEEDED):
        line, wrong = _line(cells, regions, county)
        if line is not None and line.official in seen:
            wrong = f"户编号和第{seen[line.official]}行一样"
        if wrong or line is None:
            faults.append(f"第{number}行：{wrong}")
            continue
        seen[line.official] = number
        lines.append(line)
    if faults:
        raise BadList(faults)
    return lines


def take_in(session: Session, vault: Vault, lines: list[Line]) -> TakenIn:
    """Put a list in: households are known by their official number; the same list again changes nothing."""
    new = changed = 0
    for start in range(0, len(lines), CHUNK):
        chunk = lines[start : start + CHUNK]
        known = select(Household).where(Household.official.in_([line.official for line in chunk]))
        there = {row.official: row for row in session.scalars(known)}
        for line in chunk:
            row = there.get(line.official)
            if row is None:
                session.add(_filled(vault, Household(official=line.official), line))
                new += 1
            elif not _same(vault, row, line):
                _filled(vault, row, line)
                changed += 1
        session.flush()
    return TakenIn(new, changed)


def _filled(vault: Vault, row: Household, line: Line) -> Household:
    row.region, row.people, row.changed_at = line.region, line.people, clock.now()
    row.name, row.name_hash = vault.seal(line.name), vault.lookup(f"name:{line.name}")
    row.phone = vault.seal(line.phone) if line.phone else None
    return row


def _same(vault: Vault, row: Household, line: Line) -> bool:
    phone = vault.unseal(row.phone) if row.phone else ""
    return (row.region, row.people, vault.unseal(row.name), phone) == (line.region, line.people, line.name, line.phone)


def _line(cells: dict[str, str], regions: Regions, county: str) -> tuple[Line | None, str]:
    place, people, phone = regions.get(cells["region"]), cells.get("people", "") or "0", phone_of(cells.get("phone", ""))
    if place is None or place.level != "village" or not place.code.startswith(county):
        return None, f"村代码“{cells['region'][:20]}”不是本县的村"
    if not cells["official"] or len(cells["official"]) > 60:
        return None, "户编号没有填，或者太长"
    if not cells["name"] or len(cells["name"]) > 40:
        return None, "户主没有填，或者太长"
    if phone is None:
        return None, "电话号码不对"
    if not (people.isascii() and people.isdigit() and int(people) <= MOST_PEOPLE):
        return None, f"人口要填0到{MOST_PEOPLE}的整数"
    return Line(place.code, cells["official"], cells["name"], phone, int(people)), ""
