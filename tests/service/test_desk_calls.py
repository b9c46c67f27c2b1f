"""People of the desk on their own phones: an alert to two levels and on, the duty phone, the digest; numbers and places only."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bot.skills import Shared
from cadres.alert import Alerts
from cadres.case import Details
from core import clock
from core.accounts import Account
from core.outbox import Outbox
from service.desk_calls import DeskCalls
from tests.cadres.people import cadre
from tests.fakes import COUNTY, TOWN, VILLAGE

PHONES = {VILLAGE: "+8613800138001", TOWN: "+8613800138002", COUNTY: "+8613800138003"}


@pytest.fixture
def calls(shared: Shared) -> DeskCalls:
    """A cadre with a phone on each level, and a case of danger in the village."""
    with shared.database.begin() as session:
        for region, phone in PHONES.items():
            cadre(session, region).phone = shared.vault.seal(phone)
    parts = SimpleNamespace(database=shared.database, vault=shared.vault, regions=shared.regions, cases=shared.cases)
    return DeskCalls(parts, Outbox(shared.database, shared.vault), {"sms"})


def sent(shared: Shared) -> list[tuple[str, str]]:
    """What the outbox holds for SMS, to whom and what."""
    return [(one.to, one.content["text"]) for one in Outbox(shared.database, shared.vault).claim("sms", "test", 50)]


def test_an_alert_goes_to_two_phones_and_on(shared: Shared, calls: DeskCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Village and township at once; nobody acknowledges: the county; each once, with number and place, no word of the trouble."""
    alerts, notify = Alerts(), calls.notify(lambda call: None)
    with shared.database.begin() as session:
        case = shared.cases.open(session, "c", VILLAGE, Details(event="他要打死我"), [("villager", "救命")], danger="medical")
        started = alerts.start(session, case, "x")

    def deliver() -> None:
        with shared.database.read() as session:
            due = alerts.to_deliver(session)
        for call in due:
            notify(call)
            notify(call)  # a crash between sending and noting it down
            with shared.database.begin() as session:
                alerts.delivered(session, call)

    deliver()
    first = sent(shared)
    assert [to for to, _ in first] == [PHONES[VILLAGE], PHONES[TOWN]]
    later = started.due_at
    late = Alerts(now=lambda: later)
    with shared.database.begin() as session:
        late.climb(session)
    deliver()
    assert [to for to, _ in sent(shared)] == [PHONES[COUNTY]]
    assert all(case.number in text and "探花村" in text and "打死" not in text for _, text in first)


def test_cadres_get_a_card_in_wecom(shared: Shared, calls: DeskCalls) -> None:
    """Where it is open: by their usernames, with the case's number for its buttons; the phones get their SMS as well."""
    outbox = Outbox(shared.database, shared.vault)
    notify = DeskCalls(calls._parts, outbox, {"sms", "wecom"}).notify(lambda call: None)
    alerts = Alerts()
    with shared.database.begin() as session:
        case = shared.cases.open(session, "c", VILLAGE, Details(event="他要打死我"), [("villager", "救命")], danger="medical")
        alerts.start(session, case, "x")
        due = alerts.to_deliver(session)
        usernames = {session.get_one(Account, call.account_id).username for call in due}
    for call in [*due, *due]:
        notify(call)
    cards = outbox.claim("wecom", "test", 50)
    assert {card.to for card in cards} == usernames
    assert {card.content["case"] for card in cards} == {case.number}
    assert len(cards) == len(sent(shared)) == len(due)


def test_the_digest_is_sent_once(shared: Shared, calls: DeskCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers only, one a person and day; where no channel serves SMS nothing is written."""
    with shared.database.begin() as session:
        shared.cases.open(session, "c", VILLAGE, Details(event="住院"), [("villager", "住院")])
    morning = clock.now().astimezone(clock.CHINA).replace(hour=9)
    monkeypatch.setattr(clock, "now", lambda: morning)
    silent = DeskCalls(calls._parts, calls._outbox, set())
    assert [silent.digest(), calls.digest(), calls.digest()] == [0, 3, 0]
