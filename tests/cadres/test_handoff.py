"""A conversation in a person's hands: who may take it, what they may read, and how it comes back."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from cadres.handoff import Handoff, Handoffs, NoSuchHandoff, NotYours
from core.accounts import Account
from core.database import Database
from tests.cadres.people import Clock, cadre, staff
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE

CLIMB, SILENT, IDLE = 5, 10, 30  # minutes


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def handoffs(clock: Clock) -> Handoffs:
    return made(clock)


def made(clock: Clock) -> Handoffs:
    """Handoffs by a clock, in minutes."""
    climb, silent, idle = (timedelta(minutes=minutes) for minutes in (CLIMB, SILENT, IDLE))
    return Handoffs(climb=climb, silent=silent, idle=idle, now=clock)


def test_a_request_waits_for_the_village(database: Database, handoffs: Handoffs) -> None:
    """It is listed for whoever may see the village; only the village counts it as its own at first."""
    with database.begin() as session:
        people = staff(session)
        handoff = handoffs.request(session, "c", VILLAGE, "m1")
        assert handoff is not None
        assert (handoff.state, handoff.reach) == ("waiting", VILLAGE)
        listed = {name: len(handoffs.listed(session, account)) for name, account in people.items()}
        assert listed == {"village": 1, "town": 1, "county": 1, "other": 0, "editor": 0}
        waiting = {name: handoffs.waiting(session, account) for name, account in people.items()}
        assert waiting == {"village": 1, "town": 0, "county": 0, "other": 0, "editor": 0}


def test_nobody_to_ask(database: Database, handoffs: Handoffs) -> None:
    """Where no level has a cadre, no request is left hanging."""
    with database.begin() as session:
        assert handoffs.request(session, "c", VILLAGE, "m1") is None
        assert handoffs.of_conversation(session, "c") is None


def test_a_second_request_is_the_first(database: Database, handoffs: Handoffs) -> None:
    """Asking again keeps the place in the row and from where on it is read."""
    with database.begin() as session:
        staff(session)
        first = handoffs.request(session, "c", VILLAGE, "m1")
        again = handoffs.request(session, "c", VILLAGE, "m2")
        assert again is first
        assert again.asked_from == "m1"


def test_nobody_takes_it(database: Database, handoffs: Handoffs, clock: Clock) -> None:
    """It climbs a level each time, then ends with a word to the villager whom to call."""
    with database.begin() as session:
        people = staff(session)
        handoff = handoffs.request(session, "c", VILLAGE, "m1")
        for reach in (TOWN, COUNTY):
            clock.forward(CLIMB)
            assert handoffs.sweep(session) == []
            assert handoff.reach == reach
        assert handoffs.waiting(session, people["county"]) == 1
        clock.forward(CLIMB)
        (word,) = handoffs.sweep(session)
        assert (word.conversation, word.name, word.region) == ("c", "handoff_nobody", VILLAGE)
        assert (handoff.state, handoff.outcome) == ("over", "nobody")
        assert handoffs.of_conversation(session, "c") is None


def test_a_cadre_takes_it(database: Database, handoffs: Handoffs) -> None:
    """Whoever may see the village may take it, also from above; the villager is told who it is."""
    with database.begin() as session:
        people = staff(session)
        handoff = handoffs.request(session, "c", VILLAGE, "m1")
        _, word = handoffs.take(session, people["town"], handoff.id, "m5")
        assert (word.name, word.values) == ("handoff_taken", {"cadre": "莫志明", "office": TOWN})
        assert handoffs.take(session, people["town"], handoff.id, "m6")[1] is None, "pressed twice"
        assert handoff.taken_from == "m5"
        with pytest.raises(NotYours):
            handoffs.take(session, people["village"], handoff.id, "m6")
        with pytest.raises(NotYours):
            handoffs.held_by(session, people["county"], handoff.id)
        with pytest.raises(NotYours):
            handoffs.said(session, people["village"], handoff.id)
        with pytest.raises(NotYours):
            handoffs.give_back(session, people["village"], handoff.id)


@pytest.mark.parametrize("who", ["other", "editor"])
def test_strangers_find_nothing(database: Database, handoffs: Handoffs, who: str) -> None:
    """Outside the jurisdiction, and for editors, a talk does not exist, whatever is tried."""
    with database.begin() as session:
        people = staff(session)
        handoff = handoffs.request(session, "c", VILLAGE, "m1")
        stranger = people[who]
        for attempt in (
            lambda: handoffs.take(session, stranger, handoff.id, "m2"),
            lambda: handoffs.held_by(session, stranger, handoff.id),
            lambda: handoffs.said(session, stranger, handoff.id),
            lambda: handoffs.give_back(session, stranger, handoff.id),
            lambda: handoffs.take(session, people["county"], 99_999, "m2"),
        ):
            with pytest.raises(NoSuchHandoff):
                attempt()


def test_the_cadre_goes_silent(database: Database, handoffs: Handoffs, clock: Clock) -> None:
    """A villager who waits too long for a word gets the bot back, and is told so; each answer gives new time."""
    with database.begin() as session:
        people = staff(session)
        handoff = handoffs.request(session, "c", VILLAGE, "m1")
        handoffs.take(session, people["village"], handoff.id, "m2")
        clock.forward(SILENT - 1)
        handoffs.said(session, people["village"], handoff.id)
        clock.forward(SILENT)
        handoffs.heard(handoff)
        clock.forward(SILENT - 1)
        handoffs.heard(handoff)  # writing again does not give the cadre more time
        assert handoffs.sweep(session) == []
        assert handoffs.waiting(session, people["village"]) == 1
        clock.forward(1)
        (word,) = handoffs.sweep(session)
        assert (word.name, word.values["cadre"]) == ("handoff_silent", "莫志明")
        assert handoff.outcome == "silent"


def test_a_talk_that_ran_dry_ends(database: Database, handoffs: Handoffs, clock: Clock) -> None:
    """After the cadre's last word the villager has longer; then the bot is back with another word."""
    with database.begin() as session:
        people = staff(session)
        handoff = handoffs.request(session, "c", VILLAGE, "m1")
        handoffs.take(session, people["village"], handoff.id, "m2")
        handoffs.said(session, people["village"], handoff.id)
        clock.forward(IDLE - 1)
        assert handoffs.sweep(session) == []
        clock.forward(1)
        assert [word.name for word in handoffs.sweep(session)] == ["handoff_idle"]
        assert handoff.outcome == "idle"


def test_given_back_and_asked_again(database: Database, handoffs: Handoffs) -> None:
    """The cadre ends it with a word; the next request is a new one, and the old one changes nothing any more."""
    with database.begin() as session:
        people = staff(session)
        handoff = handoffs.request(session, "c", VILLAGE, "m1")
        handoffs.take(session, people["village"], handoff.id, "m2")
        assert handoffs.give_back(session, people["village"], handoff.id).name == "handoff_back"
        with pytest.raises(NotYours):
            handoffs.said(session, people["village"], handoff.id)
        again = handoffs.request(session, "c", VILLAGE, "m9")
        assert again.id != handoff.id
        assert again.asked_from == "m9"


def test_the_villager_wants_the_bot(database: Database, handoffs: Handoffs) -> None:
    """A request, or a talk, that the villager leaves is over."""
    with database.begin() as session:
        staff(session)
        handoff = handoffs.request(session, "c", VILLAGE, "m1")
        handoffs.leave(handoff)
        session.flush()
        assert (handoff.state, handoff.outcome) == ("over", "villager")
        assert handoffs.of_conversation(session, "c") is None


def test_a_voice_message_is_never_dropped(database: Database, handoffs: Handoffs, clock: Clock) -> None:
    """Nobody listening in time, it stays with the county; a cadre who took it and said nothing gives it back to the row."""
    with database.begin() as session:
        people = staff(session)
        handoff = handoffs.request(session, "c", VILLAGE, "v1", voice=True)
        names = []
        for _ in range(6):
            clock.forward(CLIMB)
            names += [word.name for word in handoffs.sweep(session)]
        assert names == ["voice_nobody"]
        assert (handoff.state, handoff.reach) == ("waiting", COUNTY)
        handoffs.take(session, people["village"], handoff.id, "m5")
        clock.forward(SILENT)
        assert [word.name for word in handoffs.sweep(session)] == ["handoff_silent"]
        assert (handoff.state, handoff.taken_by) == ("waiting", None)
        handoffs.leave(handoff)
        assert handoff.state == "waiting", "calling the bot back does not take it from the row"
        handoffs.take(session, people["town"], handoff.id, "m7")
        handoffs.said(session, people["town"], handoff.id)
        handoffs.request(session, "c", VILLAGE, "v2", voice=True)
        clock.forward(IDLE)
        handoffs.sweep(session)
        assert handoff.state == "waiting", "a second one in a talk that goes silent has not been heard either"


def test_what_a_cadre_may_read(database: Database, handoffs: Handoffs) -> None:
    """From the request on; of the time before a voice message was taken only the voice messages; never what was before."""
    with database.begin() as session:
        people = staff(session)
        asked = handoffs.request(session, "a", VILLAGE, "m3")
        assert [asked.shows(line, voice=False) for line in ("m1", "m3", "m4")] == [False, True, True]
        voice = handoffs.request(session, "b", VILLAGE, "m3", voice=True)
        handoffs.take(session, people["village"], voice.id, "m6")
        assert [voice.shows(line, voice=False) for line in ("m3", "m5", "m6")] == [False, False, True]
        assert [voice.shows(line, voice=True) for line in ("m1", "m3", "m5")] == [False, True, True]
        begun, _ = handoffs.begin(session, people["village"], "c", VILLAGE, "m6")
        assert [begun.shows(line, voice=True) for line in ("m5", "m6")] == [False, True]


def test_a_cadre_begins_a_talk(database: Database, handoffs: Handoffs) -> None:
    """From a case a cadre takes the conversation, a waiting one too; one that another holds is not taken away."""
    with database.begin() as session:
        people = staff(session)
        handoff, word = handoffs.begin(session, people["village"], "c", VILLAGE, "m1")
        assert (handoff.state, word.name) == ("held", "handoff_taken")
        assert handoffs.begin(session, people["village"], "c", VILLAGE, "m2") == (handoff, None)
        with pytest.raises(NotYours):
            handoffs.begin(session, people["town"], "c", VILLAGE, "m2")
        waiting = handoffs.request(session, "d", VILLAGE, "m1")
        taken, _ = handoffs.begin(session, people["town"], "d", VILLAGE, "m2")
        assert taken is waiting


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "voice", "take", "say", "hear", "back", "leave", "wait", "sweep", "begin"]), st.integers(0, 4)
    ),
    max_size=30,
)


@given(STEPS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_a_conversation_is_in_one_hand(sqlite: Database, steps: list[tuple[str, int]]) -> None:
    """In any order of events by anybody: one open talk a conversation, held by one of the jurisdiction; none hangs without a
    time unless a voice message waits; a voice message that nobody answered is never closed by time."""
    clock = Clock()
    handoffs = made(clock)
    with sqlite.begin() as session:
        session.execute(delete(Handoff))
        session.execute(delete(Account))
        people = list(staff(session).values())
        for step, number in steps:
            someone, conversation = people[number], f"c{number % 2}"
            current = handoffs.of_conversation(session, conversation)
            with contextlib.suppress(NoSuchHandoff, NotYours):
                if step in ("ask", "voice"):
                    handoffs.request(session, conversation, VILLAGE, f"m{number}", voice=step == "voice")
                elif step == "wait":
                    clock.forward(CLIMB * number)
                elif step == "sweep":
                    handoffs.sweep(session)
                elif step == "begin" and someone.region in (VILLAGE, TOWN, COUNTY) and someone.role != "editor":
                    handoffs.begin(session, someone, conversation, VILLAGE, "m9")
                elif current is not None and step == "take":
                    handoffs.take(session, someone, current.id, "m9")
                elif current is not None and step == "say":
                    handoffs.said(session, someone, current.id)
                elif current is not None and step == "back":
                    handoffs.give_back(session, someone, current.id)
                elif current is not None and step == "leave":
                    handoffs.leave(current)
                elif current is not None and step == "hear" and current.state == "held":
                    handoffs.heard(current)
            session.flush()
            for row in session.scalars(select(Handoff)):
                _holds(session, row)


def _holds(session, row: Handoff) -> None:
    assert (row.open_key is None) == (row.state == "over") == (row.outcome is not None) == (row.ended_at is not None)
    if row.state == "held":
        holder = session.get(Account, row.taken_by)
        assert VILLAGE.startswith(holder.region)
        assert holder.role != "editor"
    if row.state == "waiting":
        assert row.taken_by is None
        assert row.due_at is not None or row.voice_from is not None
    if row.voice_from is not None and not row.spoke:
        assert row.outcome in (None, "cadre")


def test_two_cadres_of_one_village(database: Database, handoffs: Handoffs) -> None:
    """Own talks come first in one's list, another's are shown as held."""
    with database.begin() as session:
        staff(session)
        second = cadre(session, VILLAGE, "覃小兰")
        handoffs.request(session, "a", VILLAGE, "m1")
        mine = handoffs.request(session, "b", VILLAGE, "m1")
        handoffs.take(session, second, mine.id, "m2")
        assert [row.conversation for row in handoffs.listed(session, second)] == ["b", "a"]
        assert handoffs.listed(session, cadre(session, OTHER_VILLAGE, "乙")) == []
