"""Reports that do not come through the assistant: somebody walks in, rings up, or a hotline sends a slip."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from cadres.case import Case, Cases, Details
from cadres.form import BadForm, Field, answers_of
from cadres.spreadsheet import phone_of
from core import clock
from core.accounts import Account
from core.regions import Regions
from core.rights import is_within

ORIGINS = {
    "self": "自己报的",
    "walkin": "上门说的",
    "phone": "打电话说的",
    "12345": "12345转来",
    "12317": "12317转来",
    "sweep": "排查发现",
}
FORM = (
    Field("region", "哪个村", "text"),
    Field("event", "什么事", "long"),
    Field("name", "户主姓名", "text", optional=True),
    Field("phone", "电话", "text", optional=True),
    Field(
        "origin",
        "怎么来的",
        "choice",
        options=tuple((key, label) for key, label in ORIGINS.items() if key not in ("self", "sweep", "warning")),
    ),
    Field("outside_number", "热线的单号", "text", optional=True),
)


def type_in(session: Session, cases: Cases, regions: Regions, account: Account, typed: Mapping[str, str]) -> Case:
    """A case that a cadre types in, accepted by nobody yet. Raises BadForm with a sentence for each bad field."""
    answers = answers_of(FORM, typed, clock.today())
    place = regions.get(answers["region"])
    errors = {}
    if place is None or place.level != "village" or not is_within(account, place.code):
        errors["region"] = "请选您辖区里的一个村（社区）"
    phone = phone_of(answers.get("phone", ""))
    if phone is None:
        errors["phone"] = "电话号码不对"
    if answers["origin"] in ("12345", "12317") and "outside_number" not in answers:
        errors["outside_number"] = "热线转来的，要填单号"
    if errors:
        raise BadForm(errors)
    details = Details(
        answers["event"], regions.spoken(answers["region"]), phone or "", name=answers.get("name", "")
    )  # fmt: skip
    # nobody wrote anything: the conversation is the desk's own, and no notice can reach it
    case = cases.open(
        session, f"desk:{account.id}", answers["region"], details, [("cadre", answers["event"])], origin=answers["origin"],
        outside_number=answers.get("outside_number", "")[:40],
    )  # fmt: skip
    cases.note(session, case, account.id, "typed")
    return case
