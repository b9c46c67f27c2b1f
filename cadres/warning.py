"""Warnings of departments (预警): whom their data shows in trouble. Each is held against households and open cases, then verified
like any report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cadres.case import Case, Cases, Details
from cadres.household import Household
from cadres.spreadsheet import BadList, lines_of
from core.accounts import Account
from core.crypto import Vault
from core.regions import Regions
from core.rights import UNITS, Right, may

COLUMNS = {"村代码": "region", "户编号": "official", "户主": "name", "事由": "reason"}
NEEDED = ("村代码", "户主", "事由")
MOST = 5_000  # lines at once
REASON_LIMIT = 300


@dataclass(frozen=True)
class Warned:
    """One line of a department's list, checked. ``official`` may be empty."""

    region: str
    official: str
    name: str
    reason: str


@dataclass(frozen=True)
class Routed:
    """What became of a list: new cases, and warnings that joined an open case of the same household."""

    new: int
    joined: int


def read_warnings(file: Path | IO[bytes], regions: Regions, place: str) -> list[Warned]:
    """The lines of an Excel file. Raises BadList with a sentence for each bad line; then nothing is to be taken in."""
    found, faults = list[Warned](), list[str]()
    for number, cells in lines_of(file, COLUMNS, NEEDED):
        if number > MOST + 1:
            raise BadList([f"一次最多{MOST}行"])
        village = regions.get(cells["region"])
        if village is None or village.level != "village" or not village.code.startswith(place):
            faults.append(f"第{number}行：村代码“{cells['region'][:20]}”不是您这里的村")
        elif (
            not 0 < len(cells["name"]) <= 40
            or not 0 < len(cells["reason"]) <= REASON_LIMIT
            or len(cells.get("official", "")) > 60
        ):
            faults.append(f"第{number}行：户主、事由没有填，或者太长")
        else:
            found.append(Warned(village.code, cells.get("official", ""), cells["name"], cells["reason"]))
    if faults:
        raise BadList(faults)
    return found


class Warnings:
    """Every method works inside the caller's transaction."""

    def __init__(self, vault: Vault, cases: Cases, regions: Regions) -> None:
        self._vault, self._cases, self._regions = vault, cases, regions

    def route(self, session: Session, account: Account, warnings: list[Warned]) -> Routed | None:
        """Make each warning a case of its village, or a note in the open case of that household. None for no department."""
        if not may(account, Right.WARN):
            return None
        new = joined = 0
        for warned in warnings:
            said = f"{UNITS.get(account.unit, '部门')}预警：{warned.reason}"
            household = self._household(session, warned)
            case = self._open_case(session, warned, household)
            if case is None:
                self._file(session, account, warned, household, said)
                new += 1
            else:
                self._cases.note(session, case, account.id, "warned", body={"text": said})
                joined += 1
        return Routed(new, joined)

    def _household(self, session: Session, warned: Warned) -> Household | None:
        """By the official number, else by village and name where only one fits."""
        if warned.official:
            return session.scalars(select(Household).where(Household.official == warned.official)).first()
        same = select(Household).where(
            Household.region == warned.region, Household.name_hash == self._cases.name_key(warned.name)
        )
        found = session.scalars(same.limit(2)).all()
        return found[0] if len(found) == 1 else None

    def _open_case(self, session: Session, warned: Warned, household: Household | None) -> Case | None:
        named = (Case.region == warned.region) & (Case.name_hash == self._cases.name_key(warned.name))
        official = household.official if household is not None else warned.official
        same = or_(named, Case.official_number == official) if official else named
        # within the village, or the official number would be looked for in every case there is
        here = Case.region == (household.region if household is not None else warned.region)
        return session.scalars(select(Case).where(Case.closed_at.is_(None), here, same).order_by(Case.id.desc()).limit(1)).first()

    def _file(self, session: Session, account: Account, warned: Warned, household: Household | None, said: str) -> None:
        region = household.region if household is not None else warned.region
        phone = self._vault.unseal(household.phone) if household is not None and household.phone else ""
        details = Details(said, self._regions.spoken(region), phone, name=warned.name)
        case = self._cases.open(session, f"desk:{account.id}", region, details, [("cadre", said)], origin="warning")
        case.official_number = household.official if household is not None else warned.official
        self._cases.note(session, case, account.id, "typed")
