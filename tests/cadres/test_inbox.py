"""Folders, their counts, pages and search: each sees one jurisdiction only, and counts what the pages show."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from cadres.case import Case, Details
from cadres.inbox import COUNT_TO, PAGE, Folder, Inbox, due_words
from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from tests.cadres.casework import PEOPLE, Casework
from tests.fakes import COUNTY, OTHER_VILLAGE, VILLAGE


@pytest.fixture
def work(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Casework:
    """Cases of two villages in all conditions."""
    made = Casework(vault, monkeypatch)
    with database.begin() as session:
        made.staff(session)
        old = made.report(session)
        made.forward(days=3)  # old is overdue
        for region in (VILLAGE, OTHER_VILLAGE):
            for danger in (None, "medical"):
                made.report(session, region, danger=danger)
        paused, closed, mine = (made.report(session) for _ in range(3))
        made.do(session, "village", paused, "pause")
        made.do(session, "village", closed, "withdraw")
        made.do(session, "village", mine, "claim")
        made.do(session, "village", old, "up")
        made.forward(days=1, hours=16)  # the reports of that day end within a day
    return made


EXPECTED = {
    "village": {"open": 5, "mine": 1, "unclaimed": 4, "urgent": 1, "soon": 3, "overdue": 1, "called": 0, "all": 6},
    "town": {"open": 5, "mine": 0, "unclaimed": 4, "urgent": 1, "soon": 3, "overdue": 1, "called": 1, "all": 6},
    "county": {"open": 7, "mine": 0, "unclaimed": 6, "urgent": 2, "soon": 5, "overdue": 1, "called": 0, "all": 8},
    "other_village": {"open": 2, "mine": 0, "unclaimed": 2, "urgent": 1, "soon": 2, "overdue": 0, "called": 0, "all": 2},
    "editor": dict.fromkeys([folder.value for folder in Folder], 0),
    "other_county": dict.fromkeys([folder.value for folder in Folder], 0),
}


@pytest.mark.parametrize("who", sorted(EXPECTED))
def test_counts_are_what_the_pages_show(database: Database, work: Casework, who: str) -> None:
    """Every folder's count, and every row of it in the own jurisdiction."""
    inbox, account = Inbox(work.cases), work.people[who]
    with database.read() as session:
        counts = {folder.value: count for folder, count in inbox.counts(session, account).items()}
        pages = {folder.value: inbox.page(session, account, folder) for folder in Folder}
        handed = {folder.value: inbox.ids(session, account, folder, 100) for folder in Folder}
    assert counts == EXPECTED[who]
    assert {folder: len(rows) for folder, rows in pages.items()} == counts
    assert {folder: sorted(ids) for folder, ids in handed.items()} == {
        folder: sorted(row.id for row in rows) for folder, rows in pages.items()
    }
    assert all(row.region.startswith(PEOPLE[who][1]) for rows in pages.values() for row in rows)


def test_urgent_ones_first_then_what_is_due(database: Database, work: Casework) -> None:
    """The order of the open ones; of all of them the newest first."""
    with database.read() as session:
        rows = Inbox(work.cases).page(session, work.people["county"], Folder.OPEN)
        everything = Inbox(work.cases).page(session, work.people["county"], Folder.ALL)
    assert [row.urgency for row in rows] == ["urgent"] * 2 + ["routine"] * 5
    assert [row.due_at for row in rows[2:]] == sorted(row.due_at for row in rows[2:])
    assert [row.id for row in everything] == sorted((row.id for row in everything), reverse=True)


def test_pages_follow_each_other(database: Database, work: Casework) -> None:
    """No row twice, none left out."""
    inbox, account = Inbox(work.cases), work.people["village"]
    with database.begin() as session:
        for _ in range(PAGE):
            work.report(session)
        session.flush()
        rows = [row.id for page in range(3) for row in inbox.page(session, account, Folder.OPEN, page)]
        assert len(rows) == len(set(rows)) == PAGE + 5


@pytest.mark.parametrize("region", ["45", "4504"])
def test_a_broad_desk_sees_the_same(database: Database, work: Casework, region: str) -> None:
    """A city's or the region's list of all is read in another way, to the same end."""
    broad = Account(role="county", region=region)
    with database.read() as session:
        assert len(Inbox(work.cases).page(session, broad, Folder.ALL)) == 8
        assert Inbox(work.cases).counts(session, broad)[Folder.ALL] == 8


def test_search_by_number_phone_name_and_words(database: Database, work: Casework, vault: Vault) -> None:
    """Each way finds it in the own jurisdiction, and nothing elsewhere or for who is no cadre."""
    inbox = Inbox(work.cases)
    with database.begin() as session:
        case = work.cases.open(
            session, "c", VILLAGE, Details("屋顶塌了一角", "探花村", "+8613912345678", name="覃建国"), [("villager", "塌了")]
        )
        session.flush()
        for typed in (case.number, f" {case.number} ", "13912345678", "+86 139 1234 5678", "覃建国", "塌了一角"):
            for who, seen in (("village", True), ("county", True), ("other_village", False), ("editor", False), ("civil", False)):
                found = inbox.search(session, work.people[who], typed).cases
                assert [row.id for row in found] == ([case.id] if seen else []), (typed, who)
        for typed in ("", "塌", "13900000000", "没有这个词", "\x00%_'"):
            assert inbox.search(session, work.people["county"], typed).cases == []


def test_names_and_phones_are_not_in_the_database(sqlite: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is searched by is a keyed hash; the file holds no name, number or word of a case."""
    work = Casework(vault, monkeypatch)
    with sqlite.begin() as session:
        case = work.cases.open(
            session, "c", VILLAGE, Details("屋顶塌了", "", "+8613912345678", name="覃建国"), [("villager", "塌了")]
        )
        work.staff(session)
        work.do(session, "village", case, "note", text="他舅舅覃建党也在")
        session.flush()
        rows = [
            str(tuple(row))
            for table in ("cases", "case_events", "case_messages")
            for row in session.execute(text(f"select * from {table}"))
        ]
    for secret in ("覃建国", "13912345678", "屋顶", "塌了", "覃建党"):
        assert not any(secret in row for row in rows)


def test_lists_read_the_open_index_only(sqlite: Database) -> None:
    """SQLite answers counts and pages of open cases out of the one index, without touching the table."""
    from cadres.inbox import _holds, _open

    account = Account(id=1, role="county", region=COUNTY, named=True)
    for folder in (Folder.OPEN, Folder.URGENT, Folder.SOON, Folder.OVERDUE, Folder.CALLED, Folder.UNCLAIMED):
        query = _open(account).with_only_columns(Case.id).order_by(Case.urgency != "urgent", Case.due_at, Case.id).limit(PAGE)
        if folder is not Folder.OPEN:
            query = query.where(_holds(account, folder))
        with sqlite.engine.connect() as connection:
            shown = query.compile(sqlite.engine, compile_kwargs={"literal_binds": True})
            plan = " ".join(str(row) for row in connection.exec_driver_sql(f"explain query plan {shown}"))
        assert "COVERING INDEX ix_cases_open" in plan, (folder, plan)


def test_the_count_of_everything_has_an_end() -> None:
    """It is said as «9999+» instead of being counted to the last."""
    assert COUNT_TO == 9_999


def test_the_deadline_in_words(database: Database, work: Casework) -> None:
    """Late, soon, calm and paused look different."""
    with database.begin() as session:
        case = work.report(session)
        seen = []
        for hours in (0, 50, 40):
            work.forward(hours=hours)
            seen.append(due_words(case, work.now))
        work.do(session, "village", case, "pause")
        seen.append(due_words(case, work.now))
    assert [tone for _, tone in seen] == ["calm", "soon", "late", "paused"]
    assert seen[2][0].startswith("超期")
