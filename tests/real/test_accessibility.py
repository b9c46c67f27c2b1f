"""WCAG 2.1 AA by axe in Chromium, on a phone and on a computer, for every kind of page."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from core.demo import PASSWORD
from service.remote import Remote

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
VILLAGE = "450481100201"
OPEN = [
    "/", "/sheets", "/sheets/45/dibao", f"/sheets/45/dibao?village={VILLAGE}", "/sheets/45/dibao?type=large",
    "/sheets/45/dibao?type=normal", "/sheets/45/dibao/print", "/sheets/45/dibao/precheck", f"/v/{VILLAGE}",
    f"/v/{VILLAGE}/report", "/desk/login", "/nowhere",
]  # fmt: skip


def violations(page: Any) -> list[str]:
    """What axe finds wrong with a page as it stands."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}" for one in found for node in one["nodes"]]


@pytest.fixture(params=[PHONE, DESKTOP], ids=["390", "1280"])
def page(browser: Any, service: Remote, request: pytest.FixtureRequest) -> Any:
    """A page of one width, in light and dark as the test sets it."""
    context = browser.new_context(base_url=service.url, viewport=request.param, locale="zh-CN")
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_open_pages(page: Any, scheme: str) -> None:
    """Villagers' pages and the log-in, none scrolling sideways."""
    page.emulate_media(color_scheme=scheme)
    for path in OPEN:
        assert page.goto(path).status == (404 if path == "/nowhere" else 200), path
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), path


def test_print_view(page: Any) -> None:
    """A sheet as it goes to the printer."""
    page.goto(f"/sheets/45/dibao?village={VILLAGE}")
    page.emulate_media(media="print")
    assert violations(page) == []
    assert page.locator("svg.qr").is_visible()
    assert not page.locator(".tools").is_visible()


def test_a_talk_with_an_outcome(page: Any, service: Remote) -> None:
    """The chat with bubbles and buttons, and the pre-check from questions to outcome, both without a violation."""
    page.goto("/")
    page.fill("#text", "低保要什么条件")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=来源：《农村最低生活保障》")
    page.click("button.choice:text-is('我家够不够条件')")
    page.wait_for_selector("text=几口人")
    assert violations(page) == []
    page.goto("/sheets/45/dibao/precheck")
    page.fill("#people", "0")
    page.click("button:has-text('看看结果')")
    assert violations(page) == []
    page.fill("#people", "4")
    page.fill("#income", "20000")
    for name, value in (("special", "none"), ("assets", "no")):
        page.check(f"input[name={name}][value={value}]")
    page.click("button:has-text('看看结果')")
    page.wait_for_selector("text=很可能符合")
    assert violations(page) == []


def test_the_desk(page: Any, service: Remote) -> None:
    """The list, a case, and the editor's pages."""
    sender = f"axe-{page.viewport_size['width']}"
    for text in ("我爸中风瘫痪，家里欠了八万块债，想申报防返贫监测", "岑城镇探花村", "13812345678"):
        case = service.chat(sender, text)["case"]
    for username, paths in (
        ("county", ["/desk", f"/desk/cases/{case['number']}", "/desk/precheck", "/desk/codes", "/desk/letters"]),
        ("editor", ["/desk/audio", "/desk/audio/45/dibao", "/desk/precheck"]),
    ):
        page.context.clear_cookies()
        page.goto("/desk/login")
        page.fill("input[name=username]", username)
        page.fill("input[name=password]", PASSWORD)
        page.click("form.fields button")
        page.wait_for_load_state()
        for path in paths:
            page.goto(path)
            assert violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), path
