"""The pre-check through the real assistant: Rasa, form and all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service.remote import Remote
from tests.real.conftest import texts


def test_asked_in_chat_and_carried_into_a_report(say: Callable[..., dict[str, Any]]) -> None:
    """Offered after an eligibility answer; a question in the middle is answered first; carried into a report by form."""
    offered = say("低保要什么条件")
    payloads = {button["title"]: button["payload"] for reply in offered["replies"] for button in reply["buttons"]}
    first = say("我家够不够条件", payload=payloads["我家够不够条件"])
    assert "1/4" in texts(first)
    assert first["understood"]["kind"] == "policy"
    assert "2/4" in texts(say("四口人"))
    asked = texts(say("低保怎么申请"))
    assert "来源：《农村最低生活保障》" in asked
    assert "自查还没完" in asked
    assert "3/4" in texts(say("两万"))
    assert "4/4" in texts(say("都没有"))
    last = say("没有")
    assert "很可能符合" in texts(last)
    carried = say("带着这些去申报", payload="precheck:report")
    assert carried["understood"]["kind"] == "report"
    assert "出了什么事" in texts(carried)
    assert say("老公住院，花了五万，欠了债")["understood"]["kind"] == "report"
    say("岑城镇探花村")
    assert say("13812345678")["case"]["number"]


def test_left_for_nothing(say: Callable[..., dict[str, Any]]) -> None:
    """«不查了» ends it, and the next message stands for itself."""
    say("我家够不够条件", payload="precheck:start:45/dibao")
    assert "没有留下" in texts(say("不查了"))
    assert "来源：" in texts(say("低保怎么申请"))


def test_pages_of_a_sheet(service: Remote) -> None:
    """The PDF is small, and the policy of the pages holds: no inline style or script."""
    paper = service.http.get("/sheets/45/dibao.pdf?village=450481100201")
    assert paper.headers["content-type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF")
    assert len(paper.content) < 400_000
    for path in ("/sheets/45/dibao?village=450481100201", "/sheets/45/dibao/precheck", "/v/450481100201"):
        page = service.http.get(path)
        assert page.status_code == 200
        assert " style=" not in page.text
        assert "<script>" not in page.text
