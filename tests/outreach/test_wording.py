"""What a text must say, must not say, and what it is billed as."""

from __future__ import annotations

import pytest

from core.county import Contact
from core.database import Database
from core.regions import Regions
from outreach.wording import draft, fill, problems
from tests.fakes import COUNTY, OTHER_VILLAGE, VILLAGE

OFFICE = "岑溪市防返贫办"
GOOD = draft("家里遇到大难处，可以找村里申报救助", OFFICE)


def test_the_draft_is_sound() -> None:
    """What the rule drafts has nothing wrong in it."""
    assert problems(GOOD, OFFICE) == []
    assert problems(f"{GOOD}拒收请回复R", OFFICE) == []


@pytest.mark.parametrize(
    ("text", "about"),
    [
        (GOOD + "看 http://x.cn/a", "网址"), (GOOD + "点 abc.top", "网址"), (GOOD + "您家是监测对象", "监测对象"),
        (GOOD.replace("大难处", "低保"), "低保"), (GOOD.replace(OFFICE, "我们"), "谁发的"), (GOOD.replace("{电话}", ""), "电话"),
        (GOOD.replace("不要银行卡", ""), "银行卡"), (GOOD + "收到请回复1", "回短信"), (GOOD + "{身份证}", "大括号"),
        (GOOD + "{村.__class__}", "大括号"),
    ],
)  # fmt: skip
def test_problems(text: str, about: str) -> None:
    """Each wrong is named once, in plain words."""
    [found] = problems(text, OFFICE)
    assert about in found


def test_each_village_gets_its_own_contact(database: Database, regions: Regions) -> None:
    """The village's own person, else the county's; parts are counted from what is really said."""
    with database.begin() as session:
        session.add(Contact(region=VILLAGE, name="莫某（示例）", role="村级信息员", phone="0774-8200001"))
        assert fill(session, regions, GOOD, OTHER_VILLAGE) is None
        session.add(Contact(region=COUNTY, name="黄某", role="县里", phone="0774-8200009"))
        session.flush()
        own, county = (fill(session, regions, GOOD, code) for code in (VILLAGE, OTHER_VILLAGE))
    assert own is not None
    assert "探花村莫某0774-8200001" in own.said
    assert own.parts == (1 if len(own.said) <= 70 else 2)
    assert county is not None
    assert "善村黄某0774-8200009" in county.said
