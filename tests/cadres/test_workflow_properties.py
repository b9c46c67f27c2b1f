"""Random legal and illegal deeds by random people: no rule of rights, state or deadline breaks."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cadres.case import OPEN, STATES, Case, CaseEvent, NoSuchCase, Recusal
from cadres.deadlines import Deadlines
from cadres.form import BadForm
from cadres.plan import own_plan
from cadres.workflow import NotAllowed, Stale
from core.crypto import Vault
from core.database import Database
from tests.cadres.casework import PEOPLE, Casework
from tests.fakes import COUNTY, OTHER_VILLAGE, VILLAGE

STEPS = 10_000
CADRES = {"grid", "village", "town", "county"}
# where a state can lead, written down a second time and without the plan
EDGES = {
    "reported": {"accepted"}, "accepted": {"checking"}, "checking": {"reviewing", "accepted"},
    "reviewing": {"auditing", "checking", "accepted"}, "auditing": {"deciding", "reviewing", "checking", "accepted"},
    "deciding": {"recording", "refused", "auditing", "reviewing", "checking", "accepted"},
    "recording": {"admitted", "deciding", "auditing", "reviewing", "checking", "accepted"},
    "refused": {"auditing"}, "admitted": {"auditing"}, "withdrawn": {"reported"}, "closed": {"reported"},
}  # fmt: skip
WHO_STEPS = {
    "reported": CADRES, "accepted": {"grid", "village", "town"}, "checking": {"town", "county"}, "reviewing": {"village", "town"},
    "auditing": {"town"}, "deciding": {"county"}, "recording": {"village", "town", "county"},
}  # fmt: skip
REFUSALS = (NoSuchCase, NotAllowed, Stale, BadForm)


class Oracle:
    """Tries deeds and holds what comes of them against rules that are written down here once more."""

    def __init__(self, work: Casework, session) -> None:
        self.work, self.session = work, session
        self.deadlines = Deadlines(work.cases)
        self.done = self.refused = 0
        self.kin: set[tuple[int, int]] = set()

    def attempt(self, who: str, case: Case, deed: str, typed: dict[str, str]) -> bool:
        """One deed. True when it was done; the rules are checked either way."""
        account, before = self.work.people[who], self.snapshot(case)
        try:
            with self.session.begin_nested():
                self.work.workflow.act(self.session, account, case.number, deed, typed, before["state"])
        except REFUSALS as refusal:
            self.session.refresh(case)
            assert self.snapshot(case) == before, f"a refused {deed} changed something"
            if self.outside(who, case, before):
                assert isinstance(refusal, NoSuchCase), f"{who} learns of a case elsewhere"
            self.refused += 1
            return False
        self.check_rights(who, deed, before)
        self.check_step(deed, before, self.snapshot(case))
        if deed == "recuse":
            self.kin.add((account.id, case.id))
        self.done += 1
        return True

    def snapshot(self, case: Case) -> dict:
        """What of a case may change."""
        names = (
            "extension_days",
            "extension_by",
            "state",
            "region",
            "due_at",
            "cap_at",
            "paused_at",
            "assignee_id",
            "transfer_to",
            "reach",
            "closed_at",
            "created_at",
        )
        events = self.session.query(CaseEvent).filter_by(case_id=case.id).count()
        return {"id": case.id, "events": events, **{name: getattr(case, name) for name in names}}

    def outside(self, who: str, case: Case, before: dict) -> bool:
        """Whether a case does not exist for somebody."""
        role, region = PEOPLE[who]
        near = before["region"].startswith(region) or (before["transfer_to"] or "").startswith(region)
        return role not in CADRES or not near or (self.work.people[who].id, case.id) in self.kin

    def check_rights(self, who: str, deed: str, before: dict) -> None:
        """Whoever did something was of the place and of the role."""
        role, region = PEOPLE[who]
        assert role in CADRES
        assert (self.work.people[who].id, before["id"]) not in self.kin
        if deed in ("take_over", "turn_down"):
            assert before["transfer_to"].startswith(region)
            assert role != "grid"
        else:
            assert before["region"].startswith(region)
        if deed in ("advance", "send_back", "pause", "resume"):
            assert role in WHO_STEPS[before["state"]]
        if deed == "reopen":
            assert role in ("town", "county")
        if deed in ("grant", "deny"):
            assert before["extension_by"] not in (None, self.work.people[who].id)
            assert role in ("town", "county")
        if deed in ("transfer", "withdraw", "relief", "refer"):
            assert role != "grid"

    def check_step(self, deed: str, before: dict, after: dict) -> None:
        """States follow their edges, clocks their rules, and each deed leaves exactly one event."""
        assert after["events"] == before["events"] + 1
        assert after["created_at"] == before["created_at"]
        if after["state"] != before["state"]:
            assert after["state"] in EDGES[before["state"]] or (deed == "withdraw" and before["state"] in OPEN)
            assert deed in ("advance", "send_back", "withdraw", "reopen")
        assert (after["cap_at"] == before["cap_at"]) or deed in ("resume", "reopen", "grant")
        if deed == "resume":
            stood = self.work.now - before["paused_at"]
            assert (after["cap_at"] - before["cap_at"], after["due_at"] - before["due_at"]) == (stood, stood)
        if deed == "ask_more":
            assert self.work.now < before["due_at"]
            assert after["due_at"] == before["due_at"]
        if deed == "grant":
            more = timedelta(days=before["extension_days"])
            assert (after["cap_at"] - before["cap_at"], after["due_at"] - before["due_at"]) == (more, more)
        if deed in ("advance", "send_back"):
            assert before["paused_at"] is None
            assert before["transfer_to"] is None
        if deed == "claim":
            assert before["assignee_id"] is None
        if after["region"] != before["region"]:
            assert (deed, after["region"]) == ("take_over", before["transfer_to"])

    def check_case(self, case: Case) -> None:
        """What holds of every case at every moment."""
        is_open = case.state in OPEN
        assert case.state in STATES
        assert (case.closed_at is None) == is_open == (case.due_at is not None)
        assert not is_open or case.due_at <= case.cap_at
        assert is_open or (case.next_warning_at is None and case.paused_at is None and case.transfer_to is None)
        assert case.region.startswith(COUNTY)
        assert case.reach in (6, 9, 12)


def typed_for(work: Casework, deed: str, case: Case, kind: int, chance: random.Random) -> dict[str, str]:
    """A form that is right, one that lacks something, or nonsense."""
    form = dict(work.form(deed, case.state, chance.choice(["admit", "refuse"])))
    if kind == 0 and form:
        form.pop(chance.choice(sorted(form)))
    if kind == 1 and form:
        form[chance.choice(sorted(form))] = chance.choice(["", "x" * 2000, "2030-01-01", "\x00", "-1", VILLAGE, "reported"])
    if deed == "send_back" and kind > 1:
        form["to"] = chance.choice(["accepted", "checking", "reviewing", "auditing", "deciding", "reported", "admitted"])
    if deed == "transfer" and kind > 1:
        form["to"] = chance.choice([VILLAGE, OTHER_VILLAGE, OTHER_VILLAGE, "450482100201", COUNTY])
    return form


@pytest.fixture
def work(sqlite: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Casework:
    """A workflow with its people."""
    return Casework(vault, monkeypatch)


def test_ten_thousand_deeds(sqlite: Database, work: Casework) -> None:
    """Twelve people of every role, legal and illegal deeds, time passing, warnings going out."""
    chance = random.Random(20261124)
    with sqlite.begin() as session:
        work.staff(session)
        oracle, cases, reached = Oracle(work, session), [], set()
        for step in range(STEPS):
            if step % 150 == 0:
                cases = [*cases[-7:], work.report(session, chance.choice([VILLAGE, OTHER_VILLAGE]))]
            case = chance.choice(cases)
            who = chance.choice(sorted(PEOPLE))
            deed = chance.choice([*work.workflow.deeds, *["advance"] * 8])
            if chance.random() < 0.5:  # half of the time somebody who may do something does it
                offers = [(name, one) for name in PEOPLE for one in work.workflow.allowed(work.people[name], case)]
                who, deed = chance.choice(sorted(offers))
                deed = "advance" if (who, "advance") in offers and chance.random() < 0.6 else deed
            oracle.attempt(who, case, deed, typed_for(work, deed, case, chance.randrange(8), chance))
            reached.add(case.state)
            oracle.check_case(case)
            if chance.random() < 0.02:
                work.forward(hours=chance.choice([1, 12, 60]))
                oracle.deadlines.sweep(session)
        session.rollback()
    assert reached >= {*own_states(), "admitted", "refused", "withdrawn"}
    assert oracle.done > 1500
    assert oracle.refused > 3000


def own_states() -> set[str]:
    """The states of the plan."""
    return {step.state for step in own_plan().steps}


def test_any_row_of_deeds(sqlite: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rules, with rows of deeds that Hypothesis makes up and shortens."""

    class Desk(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.context = sqlite.begin()
            self.session = self.context.__enter__()
            self.work = Casework(vault, monkeypatch)
            self.work.staff(self.session)
            self.oracle, self.case = Oracle(self.work, self.session), self.work.report(self.session)
            self.session.flush()

        @rule(who=st.sampled_from(sorted(PEOPLE)), deed=st.sampled_from(DEEDS), kind=st.integers(0, 5), seed=st.integers(0, 99))
        def attempt(self, who: str, deed: str, kind: int, seed: int) -> None:
            typed = typed_for(self.work, deed, self.case, kind, random.Random(seed))
            self.oracle.attempt(who, self.case, deed, typed)

        @rule(who=st.sampled_from(["village", "town", "county", "other_town"]))
        def move_on(self, who: str) -> None:
            self.oracle.attempt(who, self.case, "advance", self.work.form("advance", self.case.state))

        @rule(hours=st.sampled_from([1, 30, 24 * 6]))
        def wait(self, hours: int) -> None:
            self.work.now += timedelta(hours=hours)
            self.oracle.deadlines.sweep(self.session)

        @invariant()
        def holds(self) -> None:
            if hasattr(self, "oracle"):
                self.oracle.check_case(self.case)

        def teardown(self) -> None:
            if hasattr(self, "session"):
                self.session.rollback()
                self.context.__exit__(None, None, None)

    run_state_machine_as_test(Desk, settings=settings(max_examples=25, stateful_step_count=25, deadline=None))


DEEDS = sorted(["advance", "send_back", "pause", "resume", "phoned", "visited", "relief", "up", "refer", "transfer", "take_over",
                "turn_down", "withdraw", "reopen", "note", "recuse", "claim", "release", "ask_more",
                "grant", "deny"])  # fmt: skip


def test_the_deeds_are_all_tried(work: Casework) -> None:
    """No deed was added without coming into these tests."""
    assert sorted(work.workflow.deeds) == DEEDS
    assert Recusal.__tablename__ == "case_recusals"
