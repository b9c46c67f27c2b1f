"""Two people text a county, in a real browser: a list, a broadcast, a signature, the sending, and what became of it."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.clock import now
from core.demo import PASSWORD
from outreach.rules import is_open
from service.remote import Remote

DESKTOP = {"width": 1280, "height": 900}
SHOTS = os.environ.get("MINGBAI_SHOTS")  # a folder that gets a picture of each page, to be looked at


@pytest.fixture
def people(browser: Any, service: Remote) -> Iterator[tuple[Any, Any]]:
    """The browsers of two officers; the second one has no JavaScript."""
    contexts = [
        browser.new_context(base_url=service.url, viewport=DESKTOP, locale="zh-CN", java_script_enabled=on)
        for on in (True, False)
    ]
    pages = [context.new_page() for context in contexts]
    for page, username in zip(pages, ("outreach", "outreach2"), strict=True):
        page.goto("/desk")
        page.fill("input[name=username]", username)
        page.fill("input[name=password]", PASSWORD)
        page.click("form.fields button")
        page.wait_for_url(re.compile(r"/desk/broadcasts$"))
    yield pages[0], pages[1]
    for context in contexts:
        context.close()


def shot(page: Any, name: str) -> None:
    """A picture for whoever wants to look."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_two_people_text_a_village(people: tuple[Any, Any], tmp_path: Path) -> None:
    """From the list to the funnel. By night the texts wait, and the page says so."""
    writer, signer = people
    mark = secrets.token_hex(3)
    rows = [f"示例{mark}{at},1390{secrets.randbelow(10**7):07d},岑城镇,探花村,{mark}{at},低保" for at in range(7)]
    file = tmp_path / f"{mark}.csv"
    file.write_bytes("\n".join(["姓名,手机号,乡镇,村,户编号,类别", *rows, f"坏号{mark},123,,探花村,9,"]).encode("gb18030"))

    writer.click("text=名单")
    writer.set_input_files("input[name=file]", str(file))
    shot(writer, "contacts")
    writer.click("text=传上来，先看一看")
    writer.wait_for_selector("text=第9行，手机号：号码不对")
    shot(writer, "import")
    writer.click("text=开始导入")
    writer.wait_for_selector("text=导入完了", timeout=30_000)
    assert "新的 8 人" in writer.inner_text("main")
    shot(writer, "imported")

    writer.goto("/desk/broadcasts/new")
    writer.fill("#title", f"提醒{mark}")
    writer.check("text=低保 >> nth=0")
    writer.click("text=数一数有多少人")
    writer.wait_for_selector("text=符合条件")
    shot(writer, "count")
    writer.fill("#said", writer.input_value("#said").replace("（在这里写要说的事）", "家里有大难处，可以找村里申报救助"))
    writer.fill("#title", f"提醒{mark}")
    writer.click("text=检查，交给同事审")
    writer.wait_for_selector("text=等审核")
    shot(writer, "checked")
    at = writer.url

    signer.goto(at)
    shot(signer, "sign")
    signer.click("text=我审过了")
    signer.wait_for_selector("text=审核通过")
    writer.goto(at)
    writer.click("text=/现在发给[0-9]+人/")
    writer.wait_for_selector("text=发得怎么样")
    if is_open(now()):
        writer.wait_for_selector("text=发完了", timeout=30_000)
        assert "已交给运营商" in writer.inner_text("main")
    else:
        assert "等着发" in writer.inner_text("main")
    shot(writer, "funnel")
    writer.goto("/desk/jobs")
    shot(writer, "jobs")
