"""The alert of an urgent case: two levels at once, up a level a step, the duty phone, one acknowledgement."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cadres.alert import DUTY, DUTY_ROUNDS, Alert, AlertCall, Alerts
from cadres.case import Case, Cases, Details
from core.accounts import Account
from core.county import CountySetting
from core.crypto import Vault
from core.database import Database
from tests.cadres.people import Clock, cadre, staff
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE

STEP = 10  # minutes


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def alerts(clock: Clock) -> Alerts:
    return Alerts(step=timedelta(minutes=STEP), per_source=3, now=clock)


def urgent(session: Session, vault: Vault, region: str = VILLAGE, conversation: str = "c") -> Case:
    """An urgent case of a place."""
    return Cases(vault).open(session, conversation, region, Details(event="救命"), [("villager", "救命")], danger="medical")


def called(session: Session) -> list[int | None]:
    """Whom the calls went to, in order; None is the duty phone."""
    return list(session.scalars(select(AlertCall.account_id).order_by(AlertCall.id)))


def test_two_levels_are_called_at_once(database: Database, vault: Vault, alerts: Alerts) -> None:
    """Village and township are called the moment the case opens, and see it; the county and other villages do not yet."""
    with database.begin() as session:
        people = staff(session)
        case = urgent(session, vault)
        alerts.start(session, case, "s")
        assert called(session) == [people["village"].id, people["town"].id]
        sees = {name: bool(alerts.ringing(session, account)) for name, account in people.items()}
        assert sees == {"village": True, "town": True, "county": False, "other": False, "editor": False}


def test_a_level_without_people_is_left_out(database: Database, vault: Vault, alerts: Alerts) -> None:
    """Where the township has nobody, village and county are the two lowest."""
    with database.begin() as session:
        people = staff(session)
        alerts.start(session, urgent(session, vault, OTHER_VILLAGE), "s")
        assert called(session) == [people["other"].id, people["county"].id]


def test_without_anybody_the_duty_phone_is_called(database: Database, vault: Vault, alerts: Alerts) -> None:
    """A county without accounts still has its duty phone."""
    with database.begin() as session:
        alert = alerts.start(session, urgent(session, vault), "s")
        assert called(session) == [None]
        assert alert.reach == DUTY
        session.add(CountySetting(key="duty_phone", value="0774-8110"))
        assert [(call.account_id, call.phone) for call in alerts.to_deliver(session)] == [(None, "0774-8110")]


def test_nobody_acknowledges(database: Database, vault: Vault, alerts: Alerts, clock: Clock) -> None:
    """Each step calls the next level and tells the villager to ring again; the duty phone is called some times, and the
    alert stays on the desk for good."""
    with database.begin() as session:
        people = staff(session)
        case = urgent(session, vault)
        alert = alerts.start(session, case, "s")
        clock.forward(STEP - 0.1)
        assert alerts.climb(session) == []
        clock.forward(0.1)
        (word,) = alerts.climb(session)
        assert (word.conversation, word.name, word.values) == ("c", "notice_urgent_again", {"number": case.number})
        assert called(session)[-1] == people["county"].id
        assert alerts.climb(session) == [], "one step, one call"
        for _ in range(DUTY_ROUNDS + 3):
            clock.forward(STEP)
            alerts.climb(session)
        assert called(session)[3:] == [None] * DUTY_ROUNDS
        assert alert.state == "ringing"
        assert [found.id for found, _ in alerts.ringing(session, people["village"])] == [alert.id]


def test_acknowledged_it_stops(database: Database, vault: Vault, alerts: Alerts, clock: Clock) -> None:
    """The first acknowledgement counts, names its person, and nothing climbs any more."""
    with database.begin() as session:
        people = staff(session)
        case = urgent(session, vault)
        alerts.start(session, case, "s")
        assert alerts.acknowledge(session, case, people["town"])
        assert not alerts.acknowledge(session, case, people["village"])
        clock.forward(STEP * 9)
        assert alerts.climb(session) == []
        alert = alerts.of_case(session, case)
        assert alert is not None
        assert (alert.state, alert.seen_by) == ("seen", people["town"].id)
        assert alerts.ringing(session, people["village"]) == []


def test_a_closed_case_calls_nobody(database: Database, vault: Vault, alerts: Alerts, clock: Clock) -> None:
    """Whoever closed the case has seen it."""
    with database.begin() as session:
        staff(session)
        case = urgent(session, vault)
        alerts.start(session, case, "s")
        case.state = "closed"
        clock.forward(STEP)
        assert alerts.climb(session) == []
        assert len(called(session)) == 2


def test_a_place_told_later_rings_there(database: Database, vault: Vault, alerts: Alerts) -> None:
    """The alert of the county's fallback queue ends, and the village is called."""
    with database.begin() as session:
        people = staff(session)
        case = urgent(session, vault, COUNTY)
        alerts.start(session, case, "s")
        assert called(session) == [people["county"].id]
        case.region = VILLAGE
        alerts.start(session, case, "s")
        assert called(session)[1:] == [people["village"].id, people["town"].id]
        assert [alert.region for alert, _ in alerts.ringing(session, people["town"])] == [VILLAGE]
        assert alerts.ringing(session, people["county"]) == [], "the moved alert has left the county's desk"


def test_repeats_ring_anew_only_after_a_while(database: Database, vault: Vault, alerts: Alerts, clock: Clock) -> None:
    """A repeat joins a ringing alert, or one acknowledged just now; long after it, somebody has to look again."""
    with database.begin() as session:
        people = staff(session)
        case = urgent(session, vault)
        alerts.start(session, case, "s")
        alerts.repeat(session, case, "s")
        assert len(called(session)) == 2
        alerts.acknowledge(session, case, people["village"])
        clock.forward(STEP - 1)
        alerts.repeat(session, case, "s")
        assert len(called(session)) == 2
        clock.forward(1)
        alerts.repeat(session, case, "s")
        assert len(called(session)) == 4
        assert alerts.ringing(session, people["village"])


def test_a_case_that_never_rang_rings(database: Database, vault: Vault, alerts: Alerts) -> None:
    """An urgent case from before there were alerts gets one when its sender writes again."""
    with database.begin() as session:
        people = staff(session)
        alerts.repeat(session, urgent(session, vault), "s")
        assert alerts.ringing(session, people["village"])


def test_a_source_is_capped_and_its_alerts_still_stand(database: Database, vault: Vault, alerts: Alerts, clock: Clock) -> None:
    """The fourth alert of a source within the hour calls nobody out, but stands on the desk and climbs; an hour later
    the source counts anew, and other sources are not touched."""
    with database.begin() as session:
        people = staff(session)
        quiet = [alerts.start(session, urgent(session, vault, conversation=str(n)), "s").quiet for n in range(4)]
        assert quiet == [False, False, False, True]
        assert len(called(session)) == 6
        assert len(alerts.ringing(session, people["village"])) == 4
        assert not alerts.start(session, urgent(session, vault, conversation="x"), "other").quiet
        clock.forward(STEP)
        assert len(alerts.climb(session)) == 5
        clock.forward(60)
        assert not alerts.start(session, urgent(session, vault, conversation="y"), "s").quiet


def test_calls_are_delivered_once(database: Database, vault: Vault, alerts: Alerts) -> None:
    """A call waits until it is marked; those of an acknowledged alert wait no longer. It carries no words."""
    with database.begin() as session:
        people = staff(session)
        case = urgent(session, vault)
        alerts.start(session, case, "s")
        first, second = alerts.to_deliver(session)
        assert (first.account_id, first.number, first.region) == (people["village"].id, case.number, VILLAGE)
        alerts.delivered(session, first)
        assert alerts.to_deliver(session) == [second]
        alerts.acknowledge(session, case, people["village"])
        assert alerts.to_deliver(session) == []
        assert [(call.name, call.role) for call in alerts.called(session, case)] == [("莫志明", "village"), ("莫志明", "town")]


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["start", "wait", "climb", "see", "move", "repeat", "close"]), st.integers(0, 3)), max_size=25
)


@given(ACTIONS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_somebody_is_called(sqlite: Database, vault: Vault, actions: list[tuple[str, int]]) -> None:
    """In any order of events: one alert a case rings at most, an unacknowledged one is never forgotten, nobody is called
    twice on one level by one alert, and «seen» always has a person."""
    clock = Clock()
    alerts = Alerts(step=timedelta(minutes=STEP), per_source=100, now=clock)
    with sqlite.begin() as session:
        for table in (AlertCall, Alert):
            session.execute(delete(table))
        session.execute(delete(Case))
        session.execute(delete(Account))
        people = list(staff(session).values())[:3]
        cases: list[Case] = []
        for action, which in actions:
            case = cases[which % len(cases)] if cases else None
            if action == "start" or case is None:
                cases.append(urgent(session, vault, [VILLAGE, COUNTY][which % 2], f"c{len(cases)}"))
                alerts.start(session, cases[-1], "s")
            elif action == "wait":
                clock.forward(STEP * which / 2)
            elif action == "climb":
                alerts.climb(session)
            elif action == "see":
                alerts.acknowledge(session, case, people[which % 3])
            elif action == "move" and len(case.region) == 6:
                case.region = VILLAGE
                alerts.start(session, case, "s")
            elif action == "repeat" and case.state != "closed":
                alerts.repeat(session, case, "s")
            elif action == "close":
                case.state = "closed"
            session.flush()
            _holds(session, alerts, clock, cases)


def _holds(session: Session, alerts: Alerts, clock: Clock, cases: list[Case]) -> None:
    rows = list(session.scalars(select(Alert).execution_options(populate_existing=True)))
    for case in cases:
        own = [row for row in rows if row.case_id == case.id]
        assert own
        assert sum(row.state == "ringing" for row in own) <= 1
        assert case.state == "closed" or own[-1].state in ("ringing", "seen")
    for row in rows:
        assert (row.state == "seen") == (row.seen_by is not None)
        assert row.state == "ringing" or row.due_at is None
        if row.state == "ringing":
            assert row.due_at is not None or row.duty_rounds == DUTY_ROUNDS
            assert row.region in (VILLAGE, COUNTY)
        to = list(session.scalars(select(AlertCall.account_id).where(AlertCall.alert_id == row.id)))
        persons = [person for person in to if person is not None]
        assert to
        assert len(persons) == len(set(persons))


def test_deputies_of_one_level_are_all_called(database: Database, vault: Vault, alerts: Alerts) -> None:
    """Everybody of a level is called, not only the first."""
    with database.begin() as session:
        both = [cadre(session, TOWN, name) for name in ("甲", "乙")]
        alerts.start(session, urgent(session, vault), "s")
        assert called(session) == [account.id for account in both]
