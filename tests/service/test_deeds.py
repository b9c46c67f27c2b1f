"""Deeds from a message: the same as at the desk, with the same rights."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sqlalchemy import select

from cadres.case import Case, Details, NoSuchCase
from service.deeds import Deeds, NoCadre, NotNow
from tests.fakes import OTHER_VILLAGE, VILLAGE
from tests.web.conftest import pages, site  # noqa: F401


def a_case(pages: SimpleNamespace, region: str, *, danger: str | None = None) -> str:  # noqa: F811
    """A case with its alert; gives its number."""
    with pages.site.database.begin() as session:
        case = pages.site.cases.open(session, "c", region, Details("救命"), [("villager", "救命")], danger=danger)
        if danger:
            pages.site.alerts.start(session, case, "s")
        return str(case.number)


def test_seen_and_accepted(pages: SimpleNamespace) -> None:  # noqa: F811
    """The alert stops, the villager is told, the case is accepted; a second time it is too late."""
    deeds, number = Deeds(pages.site), a_case(pages, VILLAGE, danger="medical")
    deeds.act("village", "seen", number)
    deeds.act("village", "accept", number)
    with pytest.raises(NotNow):
        deeds.act("village", "accept", number)
    with pages.site.database.read() as session:
        [case] = session.scalars(select(Case))
        assert case.state == "accepted"
        assert pages.site.alerts.of_case(session, case).state == "seen"
    told = [line.text for line in pages.site.journal.lines("c")]
    assert len(told) == 2
    assert "已看到" in told[0]
    assert "受理" in told[1]


def test_only_ones_own_place(pages: SimpleNamespace) -> None:  # noqa: F811
    """Another village's case, an editor, a stranger: nothing."""
    deeds, number = Deeds(pages.site), a_case(pages, OTHER_VILLAGE, danger="medical")
    with pytest.raises(NoSuchCase):
        deeds.act("village", "seen", number)
    for stranger in ("editor", "nobody", ""):
        with pytest.raises(NoCadre):
            deeds.act(stranger, "seen", number)
