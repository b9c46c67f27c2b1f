"""A case from report to decision: who may do what, forms, returns, transfers, pauses, departments, kin, one claim."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from cadres.case import Case, CaseEvent, Cases, NoSuchCase
from cadres.form import BadForm
from cadres.inbox import Folder, Inbox
from cadres.referral import NoSuchReferral
from cadres.workflow import NotAllowed, Stale
from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from tests.cadres.casework import PEOPLE, Casework
from tests.fakes import OTHER_VILLAGE, VILLAGE

WAY = [
    ("village", "accepted"), ("grid", "checking"), ("town", "reviewing"), ("village", "auditing"), ("town", "deciding"),
    ("county", "recording"), ("village", "admitted"),
]  # fmt: skip


@pytest.fixture
def work(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Casework:
    """A workflow with its people, on each kind of database."""
    made = Casework(vault, monkeypatch)
    with database.begin() as session:
        made.staff(session)
    return made


def test_the_whole_way(database: Database, work: Casework) -> None:
    """Every step by who may do it, through seven forms; nobody else may, and the history tells it."""
    with database.begin() as session:
        case = work.report(session)
        for who, after in WAY:
            if case.state == "reviewing":
                work.forward(days=5)
            for other in {"editor", "auditor", "admin", "outreach", "civil", "other_village", "other_county"}:
                with pytest.raises(NoSuchCase):
                    work.do(session, other, case, "advance")
            work.do(session, who, case, "advance")
            assert case.state == after
        history = work.cases.history(session, case)
        assert [event.after for event, _ in history] == [after for _, after in WAY]
        assert history[1][1]["found"] == "两人住院"
        assert (case.official_number, case.due_at, case.closed_at) == ("4504810001", None, work.now)
        sealed = session.scalars(select(CaseEvent.body)).all()
        assert not any("两人住院".encode() in body for body in sealed if body)


def test_a_refusal_names_clause_and_help(database: Database, work: Casework) -> None:
    """The county cannot refuse without them; a refusal can be objected to, and is heard by the township with a new cap."""
    with database.begin() as session:
        case = work.report(session)
        for who, _ in WAY[:5]:
            work.forward(days=5 if case.state == "reviewing" else 0)
            work.do(session, who, case, "advance")
        with pytest.raises(BadForm) as bad:
            work.do(session, "county", case, "advance", decision="refuse")
        assert set(bad.value.errors) == {"clause", "other_help"}
        work.do(session, "county", case, "advance", **work.form("advance", "deciding", "refuse"))
        assert case.state == "refused"
        with pytest.raises(NotAllowed):
            work.do(session, "village", case, "reopen")
        work.forward(days=20)
        work.do(session, "town", case, "reopen", reason="漏算了药费")
        assert (case.state, case.closed_at) == ("auditing", None)
        assert case.cap_at > work.now


def test_the_public_notice_lasts(database: Database, work: Casework) -> None:
    """A notice that hangs for four days does not do."""
    with database.begin() as session:
        case = work.report(session)
        for who, _ in WAY[:3]:
            work.do(session, who, case, "advance")
        with pytest.raises(BadForm, match="比上报的日子还早"):
            work.do(session, "village", case, "advance")
        work.forward(days=6)
        with pytest.raises(BadForm, match="还不满5天"):
            work.do(session, "village", case, "advance", posted_on=work.day(4))
        assert case.state == "reviewing"


def test_what_is_sent_back_keeps_the_clock_of_the_whole(database: Database, work: Casework) -> None:
    """The step gets a new limit, the end of the whole does not move, and no step ends after it."""
    with database.begin() as session:
        case = work.report(session)
        cap = case.cap_at
        for who, _ in WAY[:4]:
            work.forward(days=5 if case.state == "reviewing" else 1)
            work.do(session, who, case, "advance")
        work.forward(days=5)
        work.do(session, "town", case, "send_back")
        assert (case.state, case.cap_at) == ("accepted", cap)
        assert case.due_at <= cap
        with pytest.raises(BadForm):
            work.do(session, "grid", case, "advance", visited_on=work.day(100))


def test_a_pause_says_why_and_moves_the_deadlines(database: Database, work: Casework) -> None:
    """Both clocks stand for as long as the pause lasts; while it does no step is taken."""
    with database.begin() as session:
        case = work.report(session)
        due, cap = case.due_at, case.cap_at
        with pytest.raises(BadForm):
            work.do(session, "village", case, "pause", why="忙")
        work.do(session, "village", case, "pause")
        work.forward(days=3)
        with pytest.raises(NotAllowed):
            work.do(session, "village", case, "advance")
        work.do(session, "village", case, "resume")
        assert ((case.due_at - due).days, (case.cap_at - cap).days) == (3, 3)


def test_an_offline_visit_counts_by_its_own_day(database: Database, work: Casework) -> None:
    """Entered after the deadline, made before it: not late. Made after it: late."""
    with database.begin() as session:
        for visited_ago, late in ((2, False), (0, True)):
            case = work.report(session)
            work.do(session, "village", case, "advance")
            work.forward(days=4)
            work.do(session, "grid", case, "advance", visited_on=work.day(visited_ago))
            assert work.cases.history(session, case)[-1][0].late is late


def test_a_transfer_needs_the_other_side(database: Database, work: Casework) -> None:
    """Until it is taken over the old place keeps it; turned down it stays; taken over it is gone from the old place."""
    with database.begin() as session:
        case = work.report(session)
        with pytest.raises(BadForm):
            work.do(session, "village", case, "transfer", to=VILLAGE)
        with pytest.raises(NotAllowed):
            work.do(session, "grid", case, "transfer")
        with pytest.raises(NoSuchCase):
            work.do(session, "other_village", case, "take_over")
        work.do(session, "village", case, "transfer")
        with pytest.raises(NotAllowed):
            work.do(session, "other_village", case, "advance")
        work.do(session, "other_town", case, "turn_down")
        assert (case.region, case.transfer_to) == (VILLAGE, None)
        work.do(session, "village", case, "transfer")
        work.do(session, "other_village", case, "take_over")
        assert (case.region, case.transfer_to) == (OTHER_VILLAGE, None)
        with pytest.raises(NoSuchCase):
            work.do(session, "village", case, "note")


def test_a_department_answers_what_it_is_asked(database: Database, work: Casework) -> None:
    """It sees the question and its deadline, not the case; it answers once; another department sees nothing."""
    with database.begin() as session:
        case = work.report(session)
        work.do(session, "town", case, "refer")
        civil = work.people["civil"]
        (asked,) = work.referrals.listed(session, civil)
        assert (asked.question, asked.answer, asked.number) == ("请核低保", "", case.number)
        health = Account(role="department", unit="health", region=civil.region)
        assert work.referrals.listed(session, health) == []
        with pytest.raises(NoSuchReferral):
            work.referrals.answer(session, health, asked.id, "没有")
        work.referrals.answer(session, civil, asked.id, "在享低保")
        with pytest.raises(NoSuchReferral):
            work.referrals.answer(session, civil, asked.id, "再答")
        assert work.referrals.of_case(session, case)[0].answer == "在享低保"


def test_kin_do_not_see_it_any_more(database: Database, work: Casework) -> None:
    """Who says that it is their kin loses sight of it, and the level above is called in."""
    with database.begin() as session:
        case = work.report(session)
        work.do(session, "village", case, "claim")
        work.do(session, "village", case, "recuse")
        assert (case.assignee_id, case.reach) == (None, 9)
        for deed in work.workflow.deeds:
            with pytest.raises(NoSuchCase):
                work.do(session, "village", case, deed)
        assert Inbox(work.cases).page(session, work.people["village"], Folder.ALL) == []


def test_help_at_once_and_a_call_for_the_township(database: Database, work: Casework) -> None:
    """Interim relief is written down at any step; «要镇里管» brings it up one level at a time."""
    with database.begin() as session:
        case = work.report(session)
        work.do(session, "village", case, "relief")
        with pytest.raises(NotAllowed):
            work.do(session, "grid", case, "relief")
        work.do(session, "grid", case, "up")
        assert case.reach == 9
        work.do(session, "town", case, "up")
        assert case.reach == 6
        with pytest.raises(NotAllowed):
            work.do(session, "town", case, "up")


def test_a_form_of_an_earlier_state_is_refused(database: Database, work: Casework) -> None:
    """Two people open the same step: the second one's form does not fit any more."""
    with database.begin() as session:
        case = work.report(session)
        work.do(session, "village", case, "advance")
        with pytest.raises(Stale):
            work.workflow.act(session, work.people["town"], case.number, "advance", {}, "reported")


@pytest.mark.parametrize("who", sorted(PEOPLE))
def test_what_the_desk_offers_is_what_is_allowed(database: Database, work: Casework, who: str) -> None:
    """Of every deed, in every state: what is not offered is refused, and changes nothing."""
    account = work.people[who]
    with database.begin() as session:
        case = work.report(session)
        for mover, _ in [*WAY, ("", "")]:
            offered = work.workflow.allowed(account, case)
            for deed in set(work.workflow.deeds) - offered:
                before = (case.state, case.region, case.assignee_id, case.transfer_to, len(work.cases.history(session, case)))
                with pytest.raises((NotAllowed, NoSuchCase, Stale)):
                    work.do(session, who, case, deed)
                assert before == (
                    case.state, case.region, case.assignee_id, case.transfer_to, len(work.cases.history(session, case))
                )  # fmt: skip
            if mover:
                work.forward(days=5 if case.state == "reviewing" else 0)
                work.do(session, mover, case, "advance")


def test_of_claims_at_once_one_wins(database: Database, work: Casework) -> None:
    """Eight people claim one case in the same moment: one has it, the others are told so."""
    with database.begin() as session:
        number = work.report(session).number
        people = [Account(username=f"p{n}", name="某", role="village", region=VILLAGE, password_hash="x") for n in range(8)]
        session.add_all(people)
    results, start = [], threading.Barrier(8)

    def claim(account: Account) -> None:
        start.wait()
        try:
            with database.begin() as session:
                work.workflow.act(session, account, number, "claim", {})
            results.append(account.id)
        except Stale:
            results.append(None)

    threads = [threading.Thread(target=claim, args=(account,)) for account in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [result for result in results if result is not None]
    assert len(results) == 8
    with database.read() as session:
        assert session.scalars(select(Case.assignee_id)).one() == winner
        assert len(session.scalars(select(CaseEvent)).all()) == 1


def test_of_two_advances_at_once_one_counts(database: Database, work: Casework) -> None:
    """Two forms of the same step, sent in the same moment: the case moves one step."""
    with database.begin() as session:
        number = work.report(session).number
    results, start = [], threading.Barrier(2)

    def advance(who: str) -> None:
        start.wait()
        try:
            with database.begin() as session:
                work.workflow.act(session, work.people[who], number, "advance", {}, "reported")
            results.append("done")
        except Stale:
            results.append("stale")

    threads = [threading.Thread(target=advance, args=(who,)) for who in ("village", "town")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["done", "stale"]


def test_a_withdrawn_report_cannot_be_worked_on(database: Database, work: Casework, vault: Vault) -> None:
    """The villager takes it back through the assistant: the clocks stop."""
    with database.begin() as session:
        case = work.report(session)
        assert Cases(vault).withdraw(session, case)
        assert (case.due_at, case.next_warning_at) == (None, None)
        with pytest.raises(NotAllowed):
            work.do(session, "village", case, "advance")


def test_more_time_is_asked_for_in_time_and_granted_above(database: Database, work: Casework) -> None:
    """Before the deadline only; not by who asked, nor by their own level; granted, both clocks move; denied, neither does."""
    with database.begin() as session:
        case = work.report(session)
        due, cap = case.due_at, case.cap_at
        with pytest.raises(BadForm):
            work.do(session, "village", case, "ask_more", days="16")
        work.do(session, "village", case, "ask_more")
        for who in ("village", "grid", "other_town"):
            with pytest.raises((NotAllowed, NoSuchCase)):
                work.do(session, who, case, "grant")
        work.do(session, "town", case, "deny")
        assert (case.due_at, case.cap_at, case.extension_days) == (due, cap, None)
        work.do(session, "village", case, "ask_more")
        work.do(session, "town", case, "grant")
        assert ((case.due_at - due).days, (case.cap_at - cap).days) == (5, 5)
        work.forward(days=8)
        with pytest.raises(NotAllowed):
            work.do(session, "village", case, "ask_more")
