"""A villager on a phone and a cadre at the desk speak with each other; voice and alerts, in a real browser."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import urllib.request
import wave
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from core.settings import Settings
from service.remote import Remote, start_service
from tests.real.conftest import CHROMIUM, OFFLINE
from tests.real.test_browser import DESKTOP, PHONE, log_in, send

RECOGNISER = """
import json, sys
heard = sys.stdin.buffer.read()
sure = 0.3 if len(heard) < 2000 else 0.92
print(json.dumps({"text": "低保怎么申请", "confidence": sure}))
"""


@pytest.fixture(scope="module")
def talking(prepared: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    """A service with a recogniser, whose clocks run quickly."""
    data = tmp_path_factory.mktemp("talking")
    shutil.copy(prepared.index_file, data / prepared.index_file.name)  # indexing takes a minute on a busy machine
    program = data / "recogniser.py"
    program.write_text(RECOGNISER, "utf-8")
    quick = {"MINGBAI_RECOGNISER": shlex.join([sys.executable, "-S", str(program)]), "MINGBAI_SWEEP_S": "0.5"}
    with start_service(prepared, data, MINGBAI_ALERT_STEP_S="4", **quick, **OFFLINE) as remote:
        yield remote


def apart(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two boxes on a page share no place."""
    return any(
        first[at] + first[size] <= second[at]
        for at, size in (("x", "width"), ("y", "height"))
        for first, second in ((one, other), (other, one))
    )


def page_of(browser: Any, service: Remote, size: dict[str, int], **more: Any) -> Any:
    """A fresh browser window."""
    return browser.new_context(base_url=service.url, viewport=size, locale="zh-CN", **more).new_page()


def wait_for(page: Any, where: str, words: str) -> None:
    page.wait_for_function(
        "([where, words]) => document.querySelector(where).innerText.includes(words)", arg=[where, words], timeout=20_000
    )


def recording(tmp_path: Path, seconds: float) -> Path:
    """A WAV file as a phone would choose it."""
    file = tmp_path / f"{seconds}.wav"
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(int(seconds * 16000)))
    return file


def test_a_person_is_asked_for_and_speaks(browser: Any, talking: Remote) -> None:
    """Asked on a 390 px page, taken on the desk, both read each other without reloading, given back."""
    phone, desk = page_of(browser, talking, PHONE, is_mobile=True, has_touch=True), page_of(browser, talking, DESKTOP)
    phone.goto("/")
    send(phone, "低保怎么申请", "来源：《农村最低生活保障》")
    send(phone, "我家在岑城镇探花村，村里干部电话多少", "探花村")
    send(phone, "我要找干部讲", "来这里跟您讲")

    log_in(desk, "county")
    desk.click("nav a[href='/desk/talks']")
    assert "我要找干部" not in desk.inner_text("main")
    desk.click("text=我来讲")
    desk.wait_for_url(re.compile(r"/desk/talks/\d+$"))
    shown = desk.inner_text("main")
    assert "我要找干部讲" in shown
    assert "低保怎么申请" not in shown, "a private question is on the desk"

    wait_for(phone, "[role=log]", "跟您讲，我先不插话")
    desk.fill("#text", "您好，我是县里的，您说。")
    desk.click("text=发给村民")
    wait_for(phone, "[role=log]", "您好，我是县里的")
    bubbles = phone.locator("[role=log] .msg").count()
    phone.fill("#text", "我家的路断了")
    phone.keyboard.press("Enter")
    wait_for(desk, "#lines", "我家的路断了")
    assert phone.locator("[role=log] .msg.bot").count() < bubbles, "the bot spoke while a cadre held the conversation"
    assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), "the page scrolls sideways"

    desk.click("text=讲完了，交回自动回复")
    desk.wait_for_url(re.compile(r"/desk/talks$"))
    wait_for(phone, "[role=log]", "讲完了")
    send(phone, "要带什么材料", "来源")


def test_the_talk_works_without_javascript(browser: Any, talking: Remote) -> None:
    """Both sides with scripts switched off: asked, taken, answered, read after loading the page again."""
    phone = page_of(browser, talking, PHONE, java_script_enabled=False)
    desk = page_of(browser, talking, PHONE, java_script_enabled=False)
    phone.goto("/")
    phone.fill("#text", "我要找真人讲话")
    phone.click("button.send")
    phone.wait_for_selector("text=来这里跟您讲")
    log_in(desk, "county")
    desk.goto("/desk/talks")
    desk.click("text=我来讲")
    desk.fill("#text", "我在听")
    desk.click("text=发给村民")
    desk.wait_for_selector("#lines >> text=我在听")
    phone.goto("/")
    assert "我在听" in phone.inner_text("[role=log]")
    assert desk.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    boxes = [desk.locator(part).bounding_box() for part in (".top .brand", ".top .nav", ".top .who")]
    assert all(apart(one, other) for one, other in combinations(boxes, 2)), f"the head overlaps: {boxes}"


def test_a_voice_message_is_understood_or_heard(browser: Any, talking: Remote, tmp_path: Path) -> None:
    """A clear recording is answered from the sheets; an unclear one is played by a cadre, who answers."""
    phone, desk = page_of(browser, talking, PHONE, is_mobile=True), page_of(browser, talking, DESKTOP)
    phone.goto("/")
    phone.evaluate("document.getElementById('upload').hidden = false; document.getElementById('upload').open = true")
    phone.set_input_files("#audio", recording(tmp_path, 1))
    phone.click("#upload button")
    wait_for(phone, "[role=log]", "来源：《农村最低生活保障》")
    assert "低保怎么申请" in phone.inner_text("[role=log] .mine"), "what was understood is not shown"
    phone.evaluate("document.getElementById('upload').open = true")
    phone.set_input_files("#audio", recording(tmp_path, 0.05))
    phone.click("#upload button")
    wait_for(phone, "[role=log]", "没听清")
    assert all(number in phone.inner_text("[role=log]") for number in ("110", "120", "119"))

    log_in(desk, "county")
    desk.goto("/desk/talks")
    desk.click("text=我来听")
    seconds = desk.evaluate(
        "async () => { const audio = document.querySelector('audio'); audio.preload = 'auto'; audio.load();"
        " await new Promise((done, failed) => { audio.onloadedmetadata = done; audio.onerror = failed; });"
        " return audio.duration; }"
    )
    assert seconds == pytest.approx(0.05, abs=0.01)
    desk.fill("#text", "我听到了，明天来您家")
    desk.click("text=发给村民")
    wait_for(phone, "[role=log]", "明天来您家")


def test_a_microphone_is_recorded(browser: Any, talking: Remote) -> None:
    """Where the browser has a microphone, a press records and the answer comes; what was dropped is not sent."""
    flags = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with browser.browser_type.launch(executable_path=CHROMIUM, args=flags) as chromium:
        page = page_of(chromium, talking, PHONE, permissions=["microphone"])
        page.goto("/")
        page.click("#mic")
        page.wait_for_selector("#mic[aria-pressed=true]")
        page.click("#mic")
        page.wait_for_selector("#mic[aria-pressed=false]")
        assert page.locator(".mine").count() == 0
        page.click("#mic")
        page.wait_for_selector("#mic[aria-pressed=true]")
        page.wait_for_timeout(1500)
        page.click("button.send")
        wait_for(page, "[role=log]", "来源：《农村最低生活保障》")


def test_an_alert_climbs_until_somebody_has_seen_it(browser: Any, talking: Remote) -> None:
    """Nobody at the village or township looks: the villager is told to ring again, the county gets the bar; only its
    button tells the villager that it was seen."""
    village = "450481100201"
    answer = talking.chat("alert-sender", "我不想活了，今晚就走", region=village)
    number = answer["case"]["number"]
    county = page_of(browser, talking, DESKTOP)
    log_in(county, "county")
    county.goto("/desk/talks")
    wait_for(county, "#bar", number)
    said = _updates(talking, "alert-sender")
    assert any("还没有人看到" in text for text in said)
    assert not any("已看到" in text for text in said)
    county.locator(".alarm", has_text=number).get_by_role("button").click()
    county.wait_for_url(re.compile(number))
    assert "岑溪市已看到" in _updates(talking, "alert-sender")[-1]


def _updates(service: Remote, sender: str) -> list[str]:
    with urllib.request.urlopen(f"{service.url}/api/chat/updates?sender={sender}", timeout=10) as response:
        return [reply["text"] for update in json.load(response)["updates"] for reply in update["replies"]]
