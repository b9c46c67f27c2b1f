"""Cases at work for tests: people of every role, forms filled in rightly, a clock that moves."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy.orm import Session

from cadres.case import Case, Cases, Details
from cadres.referral import Referrals
from cadres.workflow import Workflow
from core import clock
from core.accounts import Account
from core.crypto import Vault
from core.regions import load_regions
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE

START = datetime(2026, 11, 24, 1, tzinfo=timezone.utc)  # Tuesday, nine in the morning in China
OTHER_TOWN = OTHER_VILLAGE[:9]
PEOPLE = {
    "grid": ("grid", VILLAGE), "village": ("village", VILLAGE), "town": ("town", TOWN), "county": ("county", COUNTY),
    "other_village": ("village", OTHER_VILLAGE), "other_town": ("town", OTHER_TOWN), "other_county": ("county", "450482"),
    "civil": ("department", COUNTY), "editor": ("editor", COUNTY), "auditor": ("audit", COUNTY), "admin": ("admin", COUNTY),
    "outreach": ("outreach", COUNTY),
}  # fmt: skip


class Casework:
    """A workflow, its people, and a clock of its own."""

    def __init__(self, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cases, self.referrals = Cases(vault), Referrals(vault)
        self.workflow = Workflow(self.cases, self.referrals, load_regions())
        self.now = START
        monkeypatch.setattr(clock, "now", lambda: self.now)
        self.people: dict[str, Account] = {}

    def staff(self, session: Session) -> None:
        """Add everybody."""
        for name, (role, region) in PEOPLE.items():
            account = Account(username=name, name=name, role=role, region=region, password_hash="x")
            account.unit = "civil" if role == "department" else ""
            session.add(account)
            self.people[name] = account
        session.flush()

    def report(self, session: Session, region: str = VILLAGE, **more: Any) -> Case:
        """A villager's report."""
        return self.cases.open(
            session, "c", region, Details("住院花了五万", "探花村", "+8613800138000"), [("villager", "住院")], **more
        )

    def forward(self, **much: float) -> None:
        """Let time pass."""
        self.now += timedelta(**much)

    def day(self, ago: int = 0) -> str:
        """A day in China as forms carry it."""
        return (self.now.astimezone(clock.CHINA).date() - timedelta(days=ago)).isoformat()

    def form(self, deed: str, state: str, decision: str = "admit") -> dict[str, str]:
        """A form that is filled in rightly for a deed in a state."""
        steps = {
            "reported": {},
            "accepted": {"visited_on": self.day(), "authorised": "signed", "people": "4", "risk": "illness", "found": "两人住院"},
            "checking": {"result": "clear"},
            "reviewing": {
                "met_on": self.day(5), "present": "12", "posted_on": self.day(5), "opinion": "admit", "objections": "没有",
            },
            "auditing": {"sampled": "visited", "opinion": "admit", "reason": "属实"},
            "deciding": {"decision": "admit", "kind": "sudden"} if decision == "admit" else {
                "decision": "refuse", "clause": "没有六类风险", "other_help": "临时救助",
            },
            "recording": {"official_number": "4504810001", "helper": "李某", "measures": "医疗救助"},
        }  # fmt: skip
        others = {
            "send_back": {"to": "accepted", "reason": "没有授权书"}, "pause": {"why": self.cases.plan.pauses[0]},
            "refer": {"unit": "civil", "question": "请核低保"}, "transfer": {"to": OTHER_VILLAGE, "reason": "住那边"},
            "relief": {"what": "米油", "amount": "300", "papers": "later"}, "phoned": {"text": "打通了"},
            "visited": {"text": "去看过"}, "ask_more": {"days": "5", "reason": "等医院的单子"}, "note": {"text": "记一下"},
        }  # fmt: skip
        return steps.get(state, {}) if deed == "advance" else others.get(deed, {"reason": "有原因"})

    def do(self, session: Session, who: str, case: Case, deed: str, **typed: str) -> Case:
        """A deed with a form that is right, or with what is typed."""
        form = {**self.form(deed, case.state), **typed}
        return self.workflow.act(session, self.people[who], case.number, deed, form, case.state)
