"""Audiences: the count, its exclusions and what is frozen agree, and all numbers add up."""

from __future__ import annotations

from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text

from core.accounts import Account
from core.clock import now
from core.database import Database
from outreach.audience import AWARE, NO_PHONE, OPEN_CASE, OPTED_OUT, RECENT, SAME_PHONE, Filter, count, day_number, freeze, sample
from outreach.broadcast_tables import AwarenessRow, BroadcastRow, DeliveryRow, Fate
from outreach.tables import ContactRow, Hold
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE

TODAY = date(2026, 11, 24)
DAY = day_number(TODAY)
people = st.lists(
    st.fixed_dictionaries(
        {
            "number": st.integers(0, 6) | st.none(), "region": st.sampled_from([VILLAGE, OTHER_VILLAGE, "450122101200"]),
            "categories": st.integers(0, 7), "out": st.booleans(), "gone": st.booleans(),
            "messaged_day": st.sampled_from([0, DAY - 5, DAY - 2, DAY]), "reached_day": st.sampled_from([0, DAY - 40, DAY - 1]),
            "replied_day": st.sampled_from([0, DAY - 9]), "aware": st.sampled_from([None, True, False]),
        }
    ),
    max_size=14,
)  # fmt: skip
filters = st.builds(
    Filter, region=st.sampled_from([COUNTY, TOWN, VILLAGE]), categories=st.integers(0, 7), quiet_days=st.sampled_from([0, 3]),
    unreached_days=st.sampled_from([0, 30]), replied=st.sampled_from([None, True, False]),
    unaware_of=st.sampled_from(["", "dibao"]),
)  # fmt: skip


def put(database: Database, rows: list[dict]) -> int:
    """Put people on an empty list; gives the number of a broadcast to freeze into."""
    numbers = [row["number"] for row in rows if not row["gone"]]
    with database.begin() as session:
        for table in (AwarenessRow, DeliveryRow, BroadcastRow, ContactRow, Account):
            session.execute(delete(table))
        author = Account(username="a", name="a", role="outreach", region=COUNTY, password_hash="")
        session.add(author)
        session.flush()
        for at, row in enumerate(rows, 1):
            has = row["number"] is not None
            hold = Hold.GONE if row["gone"] else Hold.NO_PHONE if not has else Hold.OPTED_OUT if row["out"] else Hold.NONE
            session.add(
                ContactRow(
                    id=at, person=bytes([at] * 16), address=bytes([row["number"]] * 20) if has else None, region=row["region"],
                    categories=row["categories"], hold=int(hold), shared=has and numbers.count(row["number"]) > 1,
                    messaged_day=row["messaged_day"], reached_day=row["reached_day"], replied_day=row["replied_day"], sealed=b"",
                )
            )  # fmt: skip
            if row["aware"] is not None:
                session.flush()
                session.add(AwarenessRow(contact_id=at, sheet="dibao", knew=row["aware"], region=row["region"], at=now()))
        broadcast = BroadcastRow(
            title="", region=COUNTY, author_id=author.id, status="draft", wording="", audience="", price=1, budget=0,
            created_at=now(), updated_at=now(),
        )  # fmt: skip
        session.add(broadcast)
        session.flush()
        return broadcast.id


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people, filters, st.booleans(), st.sets(st.integers(0, 6), max_size=3))
def test_count_freeze_and_sample_agree(
    database: Database, rows: list[dict], who: Filter, mandatory: bool, cases: set[int]
) -> None:
    """What is frozen is what was counted, by reason; one text a number; the sample is among them."""
    broadcast, busy = put(database, rows), [bytes([each] * 20) for each in cases]
    with database.begin() as session:
        connection = session.connection()
        counted = count(connection, who, TODAY, mandatory=mandatory, busy=busy)
        some = sample(connection, who, TODAY, mandatory=mandatory)
        freeze(connection, broadcast, who, TODAY, mandatory=mandatory, busy=busy)
        frozen = session.execute(select(DeliveryRow.contact_id, DeliveryRow.fate, DeliveryRow.reason)).all()
    waiting = [row.contact_id for row in frozen if row.fate == Fate.WAITING]
    reasons: dict[str, int] = {}
    for row in frozen:
        if row.fate == Fate.EXCLUDED:
            reasons[row.reason] = reasons.get(row.reason, 0) + 1
    assert (counted.texts, counted.excluded, counted.found) == (len(waiting), reasons, len(frozen))
    numbers = [rows[each - 1]["number"] for each in waiting]
    assert len(set(numbers)) == len(numbers)
    assert None not in numbers
    assert mandatory or not cases & set(numbers)
    assert set(some) <= set(waiting) | {row.contact_id for row in frozen if row.reason in (SAME_PHONE, OPEN_CASE)}
    for each in waiting:
        row = rows[each - 1]
        assert row["region"].startswith(who.region)
        assert not row["gone"]
        assert mandatory or not row["out"]
        assert not who.categories or row["categories"] & who.categories
        assert mandatory or not who.quiet_days or row["messaged_day"] <= DAY - 3
        assert not (who.unaware_of and row["aware"])


def test_reasons(database: Database) -> None:
    """Each reason by its name."""
    plain = {
        "number": 1, "region": VILLAGE, "categories": 1, "out": False, "gone": False, "messaged_day": 0, "reached_day": 0,
        "replied_day": 0, "aware": None,
    }  # fmt: skip
    changes = [{}, {"number": 1}, {"number": None}, {"number": 2, "out": True}, {"number": 3, "messaged_day": DAY}]
    put(database, [plain | change for change in [*changes, {"number": 4, "aware": True}, {"gone": True}]])
    with database.begin() as session:
        found = count(session.connection(), Filter(COUNTY, unaware_of="dibao"), TODAY)
    assert (found.found, found.texts) == (6, 1)
    assert found.excluded == {NO_PHONE: 1, OPTED_OUT: 1, RECENT: 1, AWARE: 1, SAME_PHONE: 1}


def test_a_filter_is_kept_whole() -> None:
    """Written down and read again it is the same."""
    who = Filter(TOWN, 5, 7, 30, False, "dibao")
    assert Filter.loads(who.dumps()) == who


def test_the_count_reads_the_index_only(sqlite: Database) -> None:
    """Among millions a count may not touch the rows: the plan says «COVERING INDEX»."""
    with sqlite.begin() as session:
        query = select(func.count()).select_from(ContactRow).where(
            ContactRow.hold == Hold.NONE, ContactRow.region >= "450481", ContactRow.region < "450482",
            ContactRow.categories.op("&")(1) != 0, ContactRow.messaged_day <= 3, ContactRow.reached_day <= 3,
        )  # fmt: skip
        compiled = query.compile(sqlite.engine, compile_kwargs={"literal_binds": True})
        plan = " ".join(str(row) for row in session.execute(text(f"explain query plan {compiled}")))
    assert "COVERING INDEX ix_outreach_contacts_audience" in plan
