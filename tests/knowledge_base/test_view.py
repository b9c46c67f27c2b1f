"""Which sections hold for a place and a day."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.view import Place, view_of

DAYS = ["2024-01-01", "2025-06-30", "2026-01-01", "2027-01-01"]


@st.composite
def sections(draw: st.DrawFn) -> list[Place]:
    """Sections of two sheets in a region and two of its counties, from and until any of some days."""
    names = draw(st.sets(st.tuples(st.sampled_from("ab"), st.sampled_from(["45", "450481", "451031"]), st.sampled_from("xy"))))
    found = []
    for sheet, region, key in sorted(names):
        since, until = sorted([draw(st.sampled_from(DAYS)), draw(st.sampled_from(DAYS))])
        found.append(Place(sheet, region, key, "how", since, draw(st.sampled_from([until, ""]))))
    return found


@given(sections(), st.sampled_from([None, "45", "450481", "450481100201", "451031"]), st.sampled_from(DAYS))
def test_a_view_holds_what_it_should(known: list[Place], region: str | None, day: str) -> None:
    """Nothing of another place, nothing expired; of each section one in force, the most local; later ones apart."""
    view = view_of(known, region, day)
    mine = (region or "45")[:6]
    holding = [known[place] for place in view.places[view.in_force]]
    coming = [known[place] for place in view.places[~view.in_force]]
    may = [one for one in known if mine.startswith(one.region) and one.since <= day <= (one.until or "9999")]
    assert sorted(view.places) == list(view.places)
    assert {(one.sheet, one.key) for one in holding} == {(one.sheet, one.key) for one in may}
    assert len({(one.sheet, one.key) for one in holding}) == len(holding)
    for one in holding:
        assert one in may
        assert len(one.region) == max(len(other.region) for other in may if (other.sheet, other.key) == (one.sheet, one.key))
    for one in coming:
        assert one.since > day
        assert mine.startswith(one.region)
