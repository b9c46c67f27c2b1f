"""Editions: from draft to print by two people, history that only grows, on each kind of database."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from core.accounts import EDITOR, Account
from core.database import Database
from knowledge_base import editions
from knowledge_base.editions import Edition, EditionStep
from tests.fakes import COUNTY, section_text, sheet_text

GOOD = sheet_text()
OTHER = sheet_text(sections=section_text(short="先问村里。"))
RIGHTS = sheet_text("rights", "投诉")


def people(database: Database) -> list[Account]:
    """Three editors of the county."""
    with database.begin() as session:
        made = [Account(username=f"e{n}", name=f"编辑{n}", role=EDITOR, region=COUNTY, password_hash="x") for n in range(3)]
        session.add_all(made)
    return made


def printed(database: Database, text: str = GOOD, by: int = 0) -> Edition:
    """A sheet that one editor wrote and another published."""
    with database.begin() as session:
        both = session.query(Account).order_by(Account.id).all()
        edition = editions.begin(session, both[by], text)
        editions.submit(session, edition, both[by])
        editions.publish(session, edition, both[by + 1])
    return edition


@pytest.fixture
def mo(database: Database) -> Account:
    """The first of three editors."""
    return people(database)[0]


def test_two_people_bring_a_sheet_into_print(database: Database, mo: Account) -> None:
    """What one editor writes and submits another publishes; then it is in print with number and names."""
    edition = printed(database)
    with database.read() as session:
        assert [sheet.id for sheet in editions.sheets_in_print(session)] == ["dibao"]
        row = session.get_one(Edition, edition.id)
        assert (row.number, row.state, row.author_id, row.published_by) == (1, "published", mo.id, mo.id + 1)
        assert [step.action for step in editions.steps(session, row)] == ["written", "submitted", "published"]


def test_nobody_publishes_their_own_words(database: Database, mo: Account) -> None:
    """Neither who wrote a draft nor who changed a word of it may publish it."""
    with database.begin() as session:
        _, chen, li = session.query(Account).order_by(Account.id).all()
        edition = editions.begin(session, mo, GOOD)
        editions.save(session, edition, chen, OTHER, edition.version)
        editions.submit(session, edition, chen)
        for own in (mo, chen):
            with pytest.raises(editions.OwnWork):
                editions.publish(session, edition, own)
        editions.publish(session, edition, li)
        assert edition.state == "published"


def test_a_draft_that_was_overtaken_does_not_undo_the_newer(database: Database, mo: Account) -> None:
    """A draft begun before another edition was published cannot be submitted until its author has compared."""
    printed(database)
    with database.begin() as session:
        draft = editions.begin(session, mo, OTHER)
    printed(database, GOOD.replace("到村里申请。", "到镇里申请。"), by=1)
    with database.begin() as session:
        draft = editions.edition_of(session, mo, draft.id)
        assert editions.is_outdated(session, draft)
        with pytest.raises(editions.Outdated):
            editions.submit(session, draft, mo)
        editions.save(session, draft, mo, OTHER, draft.version, compared=True)
        editions.submit(session, draft, mo)


def test_a_submitted_edition_that_was_overtaken_is_not_published(database: Database, mo: Account) -> None:
    """Two submitted editions of one sheet: the second is refused, for it knows nothing of the first."""
    printed(database)
    with database.begin() as session:
        _, chen, li = session.query(Account).order_by(Account.id).all()
        both = [editions.begin(session, mo, text) for text in (OTHER, GOOD.replace("申请。", "问。"))]
        for edition in both:
            editions.submit(session, edition, mo)
        editions.publish(session, both[0], chen)
        with pytest.raises(editions.Outdated):
            editions.publish(session, both[1], li)


def test_two_editors_never_overwrite_each_other_unseen(database: Database, mo: Account) -> None:
    """A form that was opened before another one was saved is refused."""
    with database.begin() as session:
        edition = editions.begin(session, mo, GOOD)
        opened = edition.version
        editions.save(session, edition, mo, OTHER, opened)
        with pytest.raises(editions.ChangedMeanwhile):
            editions.save(session, edition, mo, GOOD, opened)
        assert edition.text == OTHER.strip() + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "低保",
        GOOD.replace("到村里申请。", "待填"),
        GOOD.replace("先到村委会。", "打13877412345。"),
        GOOD.replace("id: dibao", "id: 待填"),
    ],
)
def test_what_is_not_ready_is_not_submitted(database: Database, mo: Account, text: str) -> None:
    """A text that the parser refuses, with blanks to fill in or with a private number stays a draft; nothing of it is lost."""
    with database.begin() as session:
        edition = editions.begin(session, mo, text)
        with pytest.raises(editions.NotReady):
            editions.submit(session, edition, mo)
        assert (edition.state, edition.text) == ("draft", text.strip() + "\n")


def test_rolling_back_is_a_new_edition(database: Database, mo: Account) -> None:
    """An old edition comes back as a further one that a second person publishes; the ones between stay in the history."""
    first = printed(database)
    printed(database, OTHER)
    with database.begin() as session:
        _, chen, _ = session.query(Account).order_by(Account.id).all()
        back = editions.roll_back(session, session.get_one(Edition, first.id), mo)
        with pytest.raises(editions.OwnWork):
            editions.publish(session, back, mo)
        editions.publish(session, back, chen)
    with database.read() as session:
        shown = [(row.number, row.origin) for row in editions.history(session, mo, "45", "dibao")]
        assert shown == [(3, "rollback"), (2, "editor"), (1, "editor")]
        assert editions.sheets_in_print(session)[0].sections[0].short == "到村里申请。"


def test_a_sheet_is_taken_out_of_print_by_two_people(database: Database, mo: Account) -> None:
    """A withdrawal is an edition too; the last sheet cannot go."""
    edition, _ = printed(database), printed(database, RIGHTS)
    with database.begin() as session:
        _, chen, li = session.query(Account).order_by(Account.id).all()
        gone = editions.withdraw(session, edition, mo, "合并了")
        editions.publish(session, gone, chen)
        assert [sheet.id for sheet in editions.sheets_in_print(session)] == ["rights"]
        last = editions.newest_published(session, "45", "rights")
        assert last is not None
        with pytest.raises(editions.LastSheet):
            editions.withdraw(session, last, li, "")


def test_a_published_text_cannot_be_written_to(database: Database, mo: Account) -> None:
    """Even code that tries to change what was published fails, and nothing changes."""
    edition = printed(database)

    def rewrite(**values: Any) -> None:
        with database.begin() as session:
            row = session.get_one(Edition, edition.id)
            for name, value in values.items():
                setattr(row, name, value)

    for values in ({"text": OTHER}, {"state": "draft"}, {"published_by": mo.id}, {"number": 9}):
        with pytest.raises(editions.WrongState):
            rewrite(**values)
    with database.read() as session:
        assert session.get_one(Edition, edition.id).text == GOOD.strip() + "\n"


@pytest.mark.parametrize(
    ("account", "region", "seen"),
    [
        (Account(role=EDITOR, region=COUNTY), "45", True),
        (Account(role=EDITOR, region=COUNTY), COUNTY, True),
        (Account(role=EDITOR, region=COUNTY), "451031", False),
        (Account(role=EDITOR, region="45"), "451031", True),
        (Account(role="county", region=COUNTY), "45", False),
        (Account(role="village", region="45"), COUNTY, False),
    ],
)
def test_editors_see_their_place_and_the_whole_region(
    database: Database, mo: Account, account: Account, region: str, seen: bool
) -> None:
    """An editor works on their own county's sheets and the common ones; whoever is no editor sees none."""
    with database.begin() as session:
        edition = editions.begin(session, mo, sheet_text(region=region))
    with database.read() as session:
        assert bool(editions.unpublished(session, account)) is seen
        assert editions.may_edit(account, region) is seen
        if not seen:
            with pytest.raises(editions.NoSuchEdition):
                editions.edition_of(session, account, edition.id)


def test_a_foreign_county_s_sheet_is_not_submitted(database: Database, mo: Account) -> None:
    """An editor who writes another county's code into the front matter gets no further."""
    with database.begin() as session:
        edition = editions.begin(session, mo, sheet_text(region="451031"))
        with pytest.raises(editions.NotReady):
            editions.submit(session, edition, mo)


class Desk(RuleBasedStateMachine):
    """Random actions of random editors, most of them illegal at the time."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        with self.database.engine.begin() as connection:
            for table in (EditionStep.__table__, Edition.__table__):
                connection.execute(table.delete())
        self.printed: dict[int, tuple[Any, ...]] = {}
        self.steps: list[tuple[Any, ...]] = []

    @rule(
        who=st.integers(0, 2),
        which=st.integers(0, 5),
        action=st.sampled_from(["begin", "save", "submit", "publish", "give_back", "discard", "roll_back", "withdraw"]),
        text=st.sampled_from([GOOD, OTHER, RIGHTS, "坏的", GOOD.replace("到村里", "到镇里")]),
        compared=st.booleans(),
    )
    def act(self, who: int, which: int, action: str, text: str, compared: bool) -> None:
        """One action; what is refused changes nothing."""
        with self.database.begin() as session:
            account = session.scalars(select(Account).order_by(Account.id)).all()[who]
            rows = session.scalars(select(Edition).order_by(Edition.id.desc()).limit(6)).all()
            if action == "begin" or not rows:
                editions.begin(session, account, text)
                return
            edition = rows[which % len(rows)]
            try:
                if action == "save":
                    editions.save(session, edition, account, text, edition.version, compared=compared)
                elif action == "give_back":
                    editions.give_back(session, edition, account, "改")
                elif action == "withdraw":
                    editions.withdraw(session, edition, account, "")
                else:
                    getattr(editions, action)(session, edition, account)
            except editions.MingbaiError:
                session.rollback()

    @invariant()
    def what_is_printed_stays(self) -> None:
        """Published editions and steps never change and never vanish, numbers have no gap, no author published."""
        with self.database.read() as session:
            rows = session.scalars(select(Edition).where(Edition.state == "published").order_by(Edition.id)).all()
            now = {row.id: (row.region, row.sheet, row.number, row.text, row.published_by, row.published_at) for row in rows}
            steps = [
                (s.id, s.edition_id, s.account_id, s.action)
                for s in session.scalars(select(EditionStep).order_by(EditionStep.id))
            ]
            for row in rows:
                assert row.published_by is not None
                assert row.published_by not in editions.writers(session, row)
            for name in {(row.region, row.sheet) for row in rows}:
                numbers = sorted(row.number or 0 for row in rows if (row.region, row.sheet) == name)
                assert numbers == list(range(1, len(numbers) + 1))
            editions.sheets_in_print(session)  # all that is in print can be parsed
        assert self.printed.items() <= now.items()
        assert steps[: len(self.steps)] == self.steps
        self.printed, self.steps = now, steps


def test_random_editors_never_break_the_rules(database: Database) -> None:
    """Whatever editors do in whatever order: never published by its author, history never rewritten."""
    people(database)
    Desk.database = database
    run_state_machine_as_test(
        Desk, settings=settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    )
