"""A broadcast is written by one, signed by another, and what is sent is what was signed."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from core.audit import Audit
from core.crypto import Vault
from core.database import Database
from outreach.audience import Filter
from outreach.broadcast import Refused, Terms
from outreach.broadcast_tables import DeliveryRow, Fate, WordingRow
from outreach.rules import NotNow, Status
from outreach.wording import draft
from tests.fakes import COUNTY, TOWN
from tests.outreach.conftest import add_officer
from tests.outreach.sender import OFFICE, Clock, Country


@pytest.fixture
def country(database: Database, vault: Vault) -> Country:
    """A county without people yet."""
    return Country(database, vault, Clock())


def test_check_counts_texts_parts_and_money(country: Country) -> None:
    """Twelve people, two villages, one text each; the first texts are shown as they will arrive."""
    author, _ = country.settle_in(12)
    with country.database.begin() as session:
        row = country.broadcasts.write(session, author, "提醒", draft("有难处找村里申报", OFFICE), Filter(COUNTY))
        checked = country.broadcasts.check(session, row.id)
    assert (checked.problems, checked.texts, checked.parts, checked.cost) == ([], 12, 12, 12 * 45)
    assert "善村莫某0774-8200001" in checked.first[1].said
    assert country.row(row.id).status == Status.CHECKED


def test_what_is_wrong_freezes_nothing(country: Country) -> None:
    """Bad words, nobody to reach, too dear: the draft stays a draft, and nothing is left of the freeze."""
    author, _ = country.settle_in(4)
    dear = Country(country.database, country.vault, country.time, Terms(OFFICE, price=45, budget=100))
    good = draft("有难处找村里申报", OFFICE)
    bad, nobody = (country, "看 http://a.cn", Filter(COUNTY)), (country, good, Filter(COUNTY, 8))
    for maker, text, who in (bad, nobody, (dear, good, Filter(COUNTY))):
        with country.database.begin() as session:
            row = maker.broadcasts.write(session, author, "x", text, who)
            assert maker.broadcasts.check(session, row.id).problems
            assert row.status == Status.DRAFT
    with country.database.read() as session:
        assert session.scalars(select(DeliveryRow)).all() == []


def test_a_second_person_signs_what_they_saw(country: Country) -> None:
    """Not the author, not twice, not another place, not what changed since; the audit log knows who."""
    author, signer = country.settle_in(4)
    elsewhere = add_officer(country.database, "elsewhere", region="450422")
    cadre = add_officer(country.database, "cadre", role="village")
    broadcasts = country.broadcasts
    with country.database.begin() as session:
        row = broadcasts.write(session, author, "提醒", draft("有难处找村里申报", OFFICE), Filter(COUNTY))
        with pytest.raises(NotNow):
            broadcasts.sign(session, row.id, signer, row.digest)
        broadcasts.check(session, row.id)
        for wrong, digest in ((author, row.digest), (elsewhere, row.digest), (cadre, row.digest), (signer, "another")):
            with pytest.raises(Refused):
                broadcasts.sign(session, row.id, wrong, digest)
        with pytest.raises(NotNow):
            broadcasts.start(session, row.id, author)
        assert broadcasts.sign(session, row.id, signer, row.digest) == 0
        broadcasts.start(session, row.id, author)
        verbs = [entry.verb for entry in Audit(country.vault).of(session, "broadcast", row.id)]
    assert verbs == ["start", "sign", "write"]


def test_three_signatures_where_the_county_asks_for_them(country: Country) -> None:
    """Nothing goes out before the last; nobody signs twice."""
    author, signer = country.settle_in(4)
    others = [add_officer(country.database, name) for name in ("c", "d")]
    strict = Country(country.database, country.vault, country.time, Terms(OFFICE, signatures=3)).broadcasts
    with country.database.begin() as session:
        row = strict.write(session, author, "提醒", draft("有难处找村里申报", OFFICE), Filter(COUNTY))
        strict.check(session, row.id)
        assert strict.sign(session, row.id, signer, row.digest) == 2
        with pytest.raises(Refused):
            strict.sign(session, row.id, signer, row.digest)
        assert strict.sign(session, row.id, others[0], row.digest) == 1
        with pytest.raises(NotNow):
            strict.start(session, row.id, author)
        assert strict.sign(session, row.id, others[1], row.digest) == 0
        strict.start(session, row.id, author)


@pytest.mark.parametrize("what", ["text", "people"])
def test_what_was_altered_after_the_signature_is_not_sent(country: Country, what: str) -> None:
    """A text or a recipient changed behind everybody's back: the start refuses."""
    author, signer = country.settle_in(4)
    made = country.ready(author, signer)
    last = select(func.max(DeliveryRow.contact_id)).scalar_subquery()
    people = update(DeliveryRow).where(DeliveryRow.contact_id == last).values(fate=Fate.EXCLUDED)
    change = update(WordingRow).values(said="别的话") if what == "text" else people
    with country.database.begin() as session:
        session.execute(change)
        with pytest.raises(Refused):
            country.broadcasts.start(session, made, author)


def test_an_edit_takes_the_signatures_away(country: Country) -> None:
    """Back to a draft: frozen people, texts and signatures are gone; only the author edits."""
    author, signer = country.settle_in(4)
    made = country.ready(author, signer)
    with country.database.begin() as session:
        with pytest.raises(Refused):
            country.broadcasts.edit(session, made, signer, title="x")
        row = country.broadcasts.edit(session, made, author, title="改过")
        assert (row.status, row.title, row.digest) == (Status.DRAFT, "改过", "")
        assert session.scalars(select(DeliveryRow)).all() == []
        country.broadcasts.check(session, made)
        assert country.broadcasts.sign(session, made, signer, row.digest) == 0


def test_who_may_write(country: Country) -> None:
    """Outreach officers, within their place; a disaster warning only named people."""
    country.settle_in(2)
    town = add_officer(country.database, "town", region=TOWN)
    cadre = add_officer(country.database, "cadre", role="village")
    for account, who, mandatory in ((town, COUNTY, False), (cadre, COUNTY, False), (town, TOWN, True)):
        with pytest.raises(Refused), country.database.begin() as session:
            country.broadcasts.write(session, account, "x", "y", Filter(who), mandatory=mandatory)
