"""The division table and village names in sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.regions import Region, Regions, load_regions
from tests.fakes import COUNTY, TOWN, VILLAGE

# two villages of one name, a village named like its town, and one whose name begins another's
SMALL = Regions(
    [
        Region("450000", "4500", "county", "试县"),
        Region("450000001", "450000", "township", "东风镇"),
        Region("450000002", "450000", "township", "西河乡"),
        Region("450000001201", "450000001", "village", "和平村村委会"),
        Region("450000002201", "450000002", "village", "和平村村委会"),
        Region("450000001202", "450000001", "village", "东风社区居委会"),
        Region("450000002202", "450000002", "village", "大岭村村委会"),
        Region("450000002203", "450000002", "village", "大岭脚村村委会"),
    ]
)


def found(text: str) -> list[str]:
    """The codes that a text names in the small county."""
    return [village.code for village in SMALL.find_villages(text, "450000")]


@pytest.mark.parametrize(
    ("name", "short", "stem"),
    [
        ("探花村村委会", "探花村", "探花"),
        ("樟木社区居委会", "樟木社区", "樟木"),
        ("樟木社区居民委员会", "樟木社区", "樟木"),
        ("岑城镇", "岑城镇", "岑城"),
        ("善村村委会", "善村", "善村"),
        ("江底瑶族乡", "江底瑶族乡", "江底"),
    ],
)
def test_names_as_people_say_them(name: str, short: str, stem: str) -> None:
    """A place's short name drops the office, its stem the kind too, and no stem has one character."""
    region = Region("1", "0", "village", name)
    assert (region.short, region.stem) == (short, stem)


def test_the_table_is_a_tree(regions: Regions) -> None:
    """Every village of the county has its town's code before its own, and the path leads back up."""
    for village in regions.villages(COUNTY):
        assert [place.code for place in regions.path(village.code)] == [COUNTY, village.code[:9], village.code]


def test_villages_of_each_level(regions: Regions) -> None:
    """A county has the villages of all its towns, a village only itself, an unknown code none."""
    of_towns = [village for town in regions.children(COUNTY) for village in regions.villages(town.code)]
    assert regions.villages(COUNTY) == of_towns
    assert [village.code for village in regions.villages(VILLAGE)] == [VILLAGE]
    assert regions.villages("990000") == []


def test_spoken_names_the_whole_way(regions: Regions) -> None:
    """A code is spoken from the county down, an unknown one not at all."""
    assert regions.spoken(VILLAGE) == "岑溪市岑城镇探花村"
    assert regions.spoken(TOWN) == "岑溪市岑城镇"
    assert regions.spoken("999") == ""


def test_every_village_is_found_by_its_full_place(regions: Regions) -> None:
    """Each village of the county is found, alone, by town and full name in a sentence."""
    for village in regions.villages(COUNTY):
        town = regions.get(village.parent)
        assert town is not None
        said = f"我家在{town.short}{village.short}三组"
        assert [place.code for place in regions.find_villages(said, COUNTY)] == [village.code], said


def test_the_name_alone_is_enough_where_it_is_the_only_one() -> None:
    """A name without its kind finds the one village that has it."""
    assert found("我是大岭的") == ["450000002202"]


def test_a_longer_name_wins() -> None:
    """«大岭脚» is not taken for «大岭», which it contains."""
    assert found("我家在大岭脚村") == ["450000002203"]
    assert found("大岭脚那边") == ["450000002203"]


def test_villages_of_one_name_come_back_together() -> None:
    """Where two villages share a name, both come back so that one can ask."""
    assert found("和平村的") == ["450000001201", "450000002201"]


@pytest.mark.parametrize("said", ["西河乡和平村", "和平，西河的"])
def test_the_town_decides_between_them(said: str) -> None:
    """A town named beside the village picks the one that lies in it."""
    assert found(said) == ["450000002201"]


def test_a_town_is_not_its_village() -> None:
    """The town's name alone is not the village of that name, the village's full name is."""
    assert found("我在东风镇") == []
    assert found("东风社区") == ["450000001202"]


def test_a_village_of_another_town_is_not_guessed() -> None:
    """A village that does not lie in the named town is not taken."""
    assert found("东风镇大岭村") == []


@given(st.text())
def test_any_text_may_be_searched(text: str) -> None:
    """Whatever is written, what is found are villages of the county."""
    assert {village.level for village in load_regions().find_villages(text, COUNTY)} <= {"village"}
