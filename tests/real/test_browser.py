"""A villager on a phone and a cadre at the desk, in a real browser. No page makes a request to the outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from core.demo import PASSWORD
from service.remote import Remote

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture
def outside() -> list[str]:
    """Addresses that a page asked for and that are not the service."""
    return []


@pytest.fixture
def phone(browser: Any, service: Remote, outside: list[str]) -> Iterator[Any]:
    context = browser.new_context(base_url=service.url, viewport=PHONE, is_mobile=True, has_touch=True, locale="zh-CN")
    context.on("request", lambda request: None if request.url.startswith((service.url, "data:")) else outside.append(request.url))
    yield context.new_page()
    context.close()


@pytest.fixture
def desk(browser: Any, service: Remote, outside: list[str]) -> Iterator[Any]:
    context = browser.new_context(base_url=service.url, viewport=DESKTOP, locale="zh-CN")
    context.on("request", lambda request: None if request.url.startswith((service.url, "data:")) else outside.append(request.url))
    yield context.new_page()
    context.close()


def send(page: Any, text: str, awaited: str) -> None:
    """Type into the chat and wait for a word of the answer."""
    page.fill("#text", text)
    page.keyboard.press("Enter")
    page.wait_for_function("word => document.querySelector('[role=log]').innerText.includes(word)", arg=awaited, timeout=10_000)


def log_in(page: Any, username: str) -> None:
    page.goto("/desk")
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", PASSWORD)
    page.click("form.fields button")
    page.wait_for_url(re.compile(r"/desk$"))


def test_from_question_to_the_desk(phone: Any, desk: Any, outside: list[str]) -> None:
    """Ask on the phone, get an answer with its source, report, and see the case on the desk; accept it, and the
    villager is told."""
    phone.goto("/")
    assert "演示" in phone.inner_text("body")
    send(phone, "低保怎么申请", "来源：《农村最低生活保障》")
    send(phone, "我爸中风瘫痪，家里欠了八万块债，想申报防返贫监测", "哪个村")
    send(phone, "岑城镇探花村", "电话")
    send(phone, "13812345678", "报好了")
    number = re.search(r"编号(\d{6,})", phone.inner_text("[role=log]")).group(1)  # type: ignore[union-attr]
    assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), "the page scrolls sideways"

    log_in(desk, "village")
    desk.click(f"a[href='/desk/cases/{number}']")
    shown = desk.inner_text("main")
    assert "我爸中风瘫痪" in shown
    assert "13812345678" in shown
    assert "低保怎么申请" not in shown, "a private question is on the desk"
    desk.click("form[action$='/accept'] button")
    desk.wait_for_selector("text=已受理")

    phone.goto("/")
    assert "已经受理" in phone.inner_text("[role=log]")
    assert outside == []


def test_urgent_stands_first(phone: Any, desk: Any) -> None:
    """An urgent case is above all others on the desk, named in words."""
    phone.goto("/")
    send(phone, "我不想活了，今晚就走", "110")

    log_in(desk, "county")
    first = desk.locator("a[href^='/desk/cases/']").first
    desk.goto(first.get_attribute("href"))
    assert "急" in desk.inner_text("main")


def test_without_javascript(browser: Any, service: Remote) -> None:
    """The chat and the sheets work with scripts switched off."""
    context = browser.new_context(base_url=service.url, viewport=PHONE, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.fill("#text", "低保怎么申请")
    page.click("button.send")
    page.wait_for_selector("text=来源：《农村最低生活保障》")
    page.goto("/sheets")
    page.click("text=农村最低生活保障")
    assert "怎么申请" in page.inner_text("main")
    context.close()


def test_desk_is_closed_to_strangers(desk: Any) -> None:
    """Without a log-in there is only the log-in page; a wrong password says so."""
    desk.goto("/desk/cases/100016")
    assert desk.url.endswith("/desk/login")
    desk.fill("input[name=username]", "county")
    desk.fill("input[name=password]", "wrong")
    desk.click("form.fields button")
    desk.wait_for_selector("text=用户名或密码不对")


def test_pages_look_after_themselves(phone: Any, outside: list[str]) -> None:
    """Every page loads without errors in the console, without asking the outside, and without scrolling sideways."""
    problems: list[str] = []
    phone.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    phone.on("pageerror", lambda error: problems.append(str(error)))
    for path in ("/", "/sheets", "/sheets/45/dibao", "/desk/login"):
        phone.goto(path)
        assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), path
    missing = phone.goto("/nothing-here")

    assert missing.status == 404
    assert outside == []
    assert [problem for problem in problems if "404" not in problem] == []
