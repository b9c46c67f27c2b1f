"""The demo county: 岑溪市 with its real towns and villages, and people invented and marked 示例."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts import EDITOR, Account, add_account
from core.county import Contact, County, CountySetting, save_county
from core.regions import Region, load_regions
from core.rights import DEPARTMENT, OUTREACH

COUNTY = County("450481", demo=True, accepted_door=False)
# of the accounts that are not called after their role
ROLE_OF = {f"{EDITOR}2": EDITOR, f"{OUTREACH}2": OUTREACH, "civil": DEPARTMENT}
PASSWORD = "mingbai-demo"  # shown on the log-in page of a demo; a live county has no such accounts
_FAMILY = "莫梁李陈黄覃韦苏甘植封谢"
_GIVEN = ["志明", "小兰", "建国", "秀英", "海生", "桂芳", "永强", "丽萍", "伟文", "春燕", "国栋", "美玲"]


@dataclass(frozen=True)
class DemoAccount:
    """An account of the demo, as the log-in page lists it."""

    username: str
    password: str
    label: str


def seed_demo(session: Session) -> None:
    """Set up the demo county. Its contacts' numbers cannot be dialled: their middle is masked."""
    save_county(session, COUNTY)
    session.merge(CountySetting(key="duty_phone", value="0774-8***110"))
    regions = load_regions()
    _add_contact(session, regions.get(COUNTY.code), "县防返贫监测办公室", 0)
    for town in regions.children(COUNTY.code):
        _add_contact(session, town, "镇民政办", int(town.code[-3:]))
        for village in regions.children(town.code):
            _add_contact(session, village, "村级信息员", int(village.code[-6:]))
    seed_accounts(session)


def seed_accounts(session: Session) -> None:
    """Add the demo's accounts that are not there: an older demo lacks what a newer version brings."""
    there = set(session.scalars(select(Account.username)))
    for number, account in enumerate(demo_accounts(COUNTY)):
        if account.username not in there:
            role = ROLE_OF.get(account.username, account.username)
            name, region = f"{_person(number * 8)}（示例）", _account_region(role)
            unit = account.username if role == DEPARTMENT else ""
            made = add_account(session, account.username, name, role, region.code, account.password, demo=True, unit=unit)
            made.named = role in ("village", "town", "county")


def demo_accounts(county: County) -> list[DemoAccount]:
    """The demo's accounts: one a level, a department, an auditor; two editors, because what one writes another publishes."""
    labels = {
        "county": "县级",
        "town": "乡镇",
        "village": "村级信息员",
        "grid": "网格员",
        "civil": "部门（民政）",
        "audit": "审计",
    }
    labels |= {OUTREACH: "宣传（写群发）", f"{OUTREACH}2": "宣传（审群发）"}
    labels |= {EDITOR: "编辑（写明白纸）", f"{EDITOR}2": "编辑（核对、发布）"}
    return [
        DemoAccount(name, PASSWORD, f"{label} · {_account_region(ROLE_OF.get(name, name)).short}")
        for name, label in labels.items()
        if county.demo
    ]


def _account_region(role: str) -> Region:
    regions = load_regions()
    county = regions.get(COUNTY.code)
    assert county is not None
    town = regions.children(COUNTY.code)[0]
    village = next(place for place in regions.children(town.code) if place.short.endswith("村"))
    return {"town": town, "village": village, "grid": village}.get(role, county)


def _add_contact(session: Session, region: Region | None, role: str, number: int) -> None:
    assert region is not None
    # 0774 is the area's code; the stars keep anyone from dialling a stranger
    session.add(Contact(region=region.code, name=f"{_person(number)}（示例）", role=role, phone=f"0774-8***{number % 1000:03d}"))


def _person(number: int) -> str:
    return _FAMILY[number % len(_FAMILY)] + _GIVEN[(number // 7) % len(_GIVEN)]
