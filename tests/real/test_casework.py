"""A report from chat to decision in a real browser: grid member and village on a phone, township and county on a computer."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from cadres.plan import OWN
from core.clock import CHINA
from core.demo import PASSWORD
from core.settings import Settings
from service.remote import Remote, start_service
from tests.real.conftest import OFFLINE
from tests.real.test_accessibility import violations

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def county(prepared: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    """A county whose public notice is down on the day it goes up: nobody can wait five days for a test."""
    data = tmp_path_factory.mktemp("casework")
    steps = yaml.safe_load(OWN.read_text("utf-8"))
    steps |= {"document": "测试用的步骤", "notice_days": 0}
    (data / "steps.yml").write_text(yaml.safe_dump(steps, allow_unicode=True), "utf-8")
    with start_service(prepared, data, **OFFLINE) as remote:
        yield remote


class Desk:
    """A browser of one width in which somebody is logged in."""

    def __init__(self, browser: Any, county: Remote, username: str, viewport: dict[str, int], *, script: bool = True) -> None:
        context = browser.new_context(base_url=county.url, viewport=viewport, locale="zh-CN", java_script_enabled=script)
        self.page = context.new_page()
        self.page.goto("/desk/login")
        self.page.fill("#username", username)
        self.page.fill("#password", PASSWORD)
        self.page.click("form.fields button")

    def step(self, number: str, **answers: str) -> str:
        """Fill in the form of the case's step and send it; gives what the page says then."""
        self.page.goto(f"/desk/cases/{number}")
        for name, value in answers.items():
            field = self.page.locator(f"#step [name={name}]")
            if field.first.get_attribute("type") == "radio":
                self.page.check(f"#step input[name={name}][value={value}]")
            elif field.first.evaluate("one => one.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        self.page.click("#step form button")
        return str(self.page.inner_text("main"))


def report(county: Remote) -> str:
    """A villager's report in chat; gives its number."""
    sender = f"casework-{secrets.token_hex(4)}"
    for text in ("老公住院花了五万，想申报", "探花村", "13812345678"):
        answer = county.chat(sender, text)
    return str(answer["case"]["number"])


def test_from_chat_to_decision(browser: Any, county: Remote) -> None:
    """Every step through its own form, by four roles, at two widths; nothing scrolls sideways, axe finds nothing."""
    number, today = report(county), datetime.now(CHINA).date().isoformat()
    grid, village = Desk(browser, county, "grid", PHONE), Desk(browser, county, "village", PHONE, script=False)
    town, head = Desk(browser, county, "town", DESKTOP), Desk(browser, county, "county", DESKTOP)
    village.page.click(f"a[href='/desk/cases/{number}']")
    village.page.click("form[action$='/accept'] button")
    assert "已受理，村民会收到一条消息" in village.page.inner_text("main")
    grid.page.goto(f"/desk/cases/{number}?do=phoned")
    grid.page.fill("#doing textarea", "打通了，明天去")
    grid.page.click("#doing button")
    assert "打通了，明天去" in grid.page.inner_text("main")
    grid.step(number, visited_on=today, authorised="signed", people="4", risk="illness", found="两人住院")
    assert violations(grid.page) == []
    town.step(number, result="clear")
    assert violations(town.page) == []
    village.step(number, met_on=today, present="12", posted_on=today, opinion="admit", objections="没有")
    assert "乡镇审核中" in village.page.inner_text("main")
    town.step(number, sampled="visited", opinion="admit", reason="属实")
    assert "没有填" in head.step(number, decision="refuse")
    head.step(number, decision="admit", kind="sudden")
    done = village.step(number, official_number="45048100001", helper="李某", measures="医疗救助")
    assert "已纳入" in done
    for desk in (grid, village, town, head):
        desk.page.goto(f"/desk/cases/{number}")
        assert desk.page.inner_text(".history").count("办完：") == 7
    for desk in (grid, town):
        assert desk.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    assert town.page.locator(".side-list").is_visible()  # three panes
    assert not grid.page.locator(".side-list").is_visible()


def test_typed_in_without_javascript(browser: Any, county: Remote) -> None:
    """A walk-in on a phone, a search for it, and the four big buttons."""
    village = Desk(browser, county, "village", PHONE, script=False)
    village.page.click("text=代填一件")
    village.page.fill("[name=event]", "房子漏雨，墙裂开了")
    village.page.fill("[name=name]", "覃建国")
    village.page.check("[name=origin][value=walkin]")
    village.page.click("form.step-form button")
    assert "房子漏雨" in village.page.inner_text("main")
    village.page.click("form[action$='/accept'] button")
    assert village.page.locator(".big a").count() == 4
    village.page.goto("/desk")
    village.page.fill("#q", "覃建国")
    village.page.click(".find button")
    assert "1 件" in village.page.inner_text("h1")


def test_from_another_village_there_is_nothing(browser: Any, county: Remote, tmp_path: Path) -> None:
    """The department of the demo sees what it is asked and not the case."""
    number = report(county)
    town, civil = Desk(browser, county, "town", DESKTOP), Desk(browser, county, "civil", PHONE)
    town.page.goto(f"/desk/cases/{number}?do=refer")
    town.page.select_option("#doing select", "civil")
    town.page.fill("#doing textarea", "请核这家的低保")
    town.page.click("#doing button")
    assert civil.page.goto(f"/desk/cases/{number}").status == 404
    civil.page.goto("/desk")
    civil.page.fill("textarea", "在享低保")
    civil.page.click("text=回复")
    town.page.goto(f"/desk/cases/{number}")
    assert "在享低保" in town.page.inner_text("main")
