"""A villager talks to the whole assistant: service, Rasa, actions, index, database."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from service.remote import Remote
from tests.real.conftest import texts

Say = Callable[..., dict[str, Any]]


def test_question_is_answered_with_its_source(say: Say) -> None:
    """A policy question gets the section's short line first, then the sheet, its issuer and its place."""
    answer = say("低保要带什么材料去办")

    assert answer["understood"]["kind"] == "policy"
    assert answer["sources"][0]["sheet"] == "dibao"
    assert answer["sources"][0]["url"] == "/sheets/45/dibao#" + answer["sources"][0]["section"]
    assert len(answer["replies"][0]["text"]) <= 80
    assert "来源：《农村最低生活保障》" in texts(answer)
    assert "广西" in texts(answer)


def test_button_shows_the_section_in_full(say: Say) -> None:
    """«说详细点» gives the whole section."""
    answer = say("低保要带什么材料去办")
    more = next(button for reply in answer["replies"] for button in reply["buttons"] if button["title"] == "说详细点")

    detail = say(more["title"], payload=more["payload"])

    assert len(texts(detail)) > len(texts(answer))
    assert detail["sources"][0]["sheet"] == "dibao"


def test_unknown_question_is_declined_with_whom_to_ask(say: Say) -> None:
    """What no sheet answers is declined, without a source, with a person to ask."""
    answer = say("明天南宁会不会下雨")

    assert answer["sources"] == []
    assert "12345" in texts(answer)


def test_a_new_topic_is_answered_from_its_own_sheet(say: Say) -> None:
    """Housing, which had no sheet at first, is answered from its sheet and no other."""
    assert say("危房改造怎么申请")["sources"][0]["sheet"] == "housing"


def test_follow_up_keeps_the_topic(say: Say) -> None:
    """«那要多久» after a question about 低保 is answered from the same sheet."""
    say("低保怎么申请")

    assert say("那要多久才批")["sources"][0]["sheet"] == "dibao"


def test_report_becomes_a_case(say: Say) -> None:
    """A hardship, a village and a number are enough: the report ends with a case number and whom to call."""
    first = say("我老公上个月查出尿毒症，花光了积蓄，求政府帮帮我们家")
    second = say("岑城镇探花村")
    third = say("13812345678")

    assert [answer["understood"]["kind"] for answer in (first, second, third)] == ["report"] * 3
    assert first["case"] is None
    assert third["case"]["urgency"] == "routine"
    assert third["case"]["number"] in texts(third)
    assert "12317" in texts(third)
    assert say("我报的到哪一步了")["case"]["number"] == third["case"]["number"]


def test_question_inside_a_report_is_answered_and_the_report_goes_on(say: Say) -> None:
    """An interruption gets its answer, then the open question again; the draft is kept."""
    say("我家房子被大水冲垮了，没地方住，帮我报上去")
    asked = say("低保怎么申请？")

    assert asked["sources"][0]["sheet"] == "dibao"
    assert "哪个村" in asked["replies"][-1]["text"]
    say("岑城镇乌峡村")
    assert say("没有电话")["case"] is not None


def test_unclear_words_never_throw_a_report_away(say: Say) -> None:
    """Only a clear wish to leave ends a report."""
    say("我儿子车祸死了，家里过不下去了，想申请帮扶")
    say("要不要交钱的")
    say("岑城镇探花村")

    assert say("13812345678")["case"] is not None


def test_leaving_a_report_keeps_nothing(say: Say) -> None:
    """«算了不报了» ends the report; what comes next starts afresh."""
    say("我家遭了火灾，什么都没有了，要申报")

    assert "没有留下" in texts(say("算了，不报了"))
    assert say("我报的怎么样了")["case"] is None


@pytest.mark.parametrize("words", ["我不想活了，今晚就走", "屋里着火了，我妈还在里面", "娃两天没东西吃了，家里一粒米都没有"])
def test_danger_gets_numbers_and_an_urgent_case(say: Say, words: str) -> None:
    """Danger to life gets an emergency number at once and an urgent case; nobody is said to know yet."""
    answer = say(words)

    assert answer["case"]["urgency"] == "urgent"
    assert any(number in answer["replies"][0]["text"] for number in ("110", "119", "120", "12345"))
    assert "已通知" not in texts(answer)


def test_repeated_danger_joins_one_case(say: Say) -> None:
    """A second cry of the same sender joins the urgent case, and a village told later places it."""
    first = say("救命，有人拿刀砍人")
    second = say("他又来了，在砸门，快来人救我")
    placed = say("岑城镇探花村")

    assert first["case"]["number"] == second["case"]["number"] == placed["case"]["number"]


def test_danger_inside_a_report(say: Say) -> None:
    """Danger is seen while a report is open, and the report can be finished after it."""
    say("我家里很困难，老公病重，想申报监测")
    assert say("我真的不想活了，农药都买好了")["case"]["urgency"] == "urgent"
    say("岑城镇探花村")

    assert say("13812345678")["understood"]["kind"] == "report"


def test_contact_of_a_village(say: Say) -> None:
    """Whose village is told gets the village's own contact, marked as an example in the demo."""
    answer = say("马路镇的网格员电话是多少")
    if "哪个村" in texts(answer):
        answer = say("岑城镇探花村")

    assert "示例" in texts(answer)


def test_same_id_twice_is_one_message(service: Remote) -> None:
    """A retried message gets the same answer and has one effect, also when both come at once."""
    sender = f"retry-{secrets.token_hex(6)}"
    service.chat(sender, "我妈中风瘫了，欠了很多钱，帮我报上去")
    service.chat(sender, "岑城镇探花村")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: service.chat(sender, "13812345678", id="m1"), range(4)))

    assert all(answer == answers[0] for answer in answers)
    assert service.chat(sender, "13812345678", id="m1") == answers[0]


def test_two_messages_of_one_sender_at_once(service: Remote) -> None:
    """Messages of one sender wait for each other and all are answered."""
    sender = f"burst-{secrets.token_hex(6)}"
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: service.chat(sender, f"低保怎么申请{n}"), range(6)))

    assert all(answer["sources"] for answer in answers)


@pytest.mark.parametrize("text", ["/restart", "/session_start", "／greet", "  /report_hardship", "/inform", "//", "/"])
def test_slash_texts_are_no_commands(say: Say, text: str) -> None:
    """A text that looks like a command to Rasa is treated as a villager's words; an open report survives it."""
    say("我家房子被大水冲垮了，没地方住，帮我报上去")
    say(text)
    say("岑城镇探花村")

    assert say("13812345678")["case"] is not None


@pytest.mark.parametrize("text", ["", "   ", "😀😀😀", "\x00\x00", "。。。？", "字" * 10_000, "a\ud800b"])
def test_strange_texts_get_a_kind_answer_in_time(service: Remote, text: str) -> None:
    """Empty, emoji-only, NUL, surrogates and ten thousand characters are answered in Chinese within a second."""
    sender = f"odd-{secrets.token_hex(6)}"
    service.chat(sender, "你好")
    began = time.perf_counter()
    answer = service.chat(sender, text)

    assert time.perf_counter() - began < 1.5
    assert answer["replies"]
    assert "\ud800" not in texts(answer)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 400), (b"[]", 422), (b"{}", 422), (b'{"sender": "u1"}', 422), (b'{"sender": 5, "text": "x"}', 422),
        (b'{"sender": "u1", "text": "x", "region": "abc"}', 422), (b"\xff\xfe", 400), (b"[" * 200_000, 400),
        (b'{"sender": "u1", "text": "' + b"x" * 300_000 + b'"}', 413), (b'{"sender": "\\ud800", "text": "x"}', 422),
    ],
)  # fmt: skip
def test_bad_bodies_get_a_clear_refusal(service: Remote, body: bytes, status: int) -> None:
    """A body that is no request gets a 4xx with the reason in Chinese, never a 500."""
    response = service.http.post("/api/chat", content=body, headers={"content-type": "application/json"})

    assert response.status_code == status
    assert not response.json()["detail"].isascii()


def test_senders_do_not_share_anything(service: Remote) -> None:
    """One sender's report is not another's."""
    mine, other = f"a-{secrets.token_hex(6)}", f"b-{secrets.token_hex(6)}"
    service.chat(mine, "我老公病重，花光了钱，帮我报上去")

    assert service.chat(other, "我报的怎么样了")["case"] is None
    assert "没报完" in texts(service.chat(mine, "我报的怎么样了"))


def test_health_and_readiness(service: Remote) -> None:
    """Health is plain; readiness with full=1 proves a whole turn through Rasa."""
    assert service.http.get("/healthz").json() == {"status": "ok"}
    assert service.http.get("/readyz").status_code == 200
    assert service.http.get("/readyz", params={"full": 1}).json()["rasa"] is True


def test_no_words_of_villagers_in_logs_or_trackers(service: Remote, prepared: Any) -> None:
    """What a villager wrote is neither in the logs nor in Rasa's tracker file, nor in clear in the database."""
    secret = "桂花树下第三间屋的黄阿婆"
    service.chat(f"private-{secrets.token_hex(6)}", f"低保怎么申请，我是{secret}")

    for file in prepared.data_dir.iterdir():
        if file.is_file():
            content = file.read_bytes()
            assert secret.encode() not in content, file.name
            assert secret.encode("unicode_escape") not in content, file.name


def test_updates_need_a_sender(service: Remote) -> None:
    """The updates of nobody are refused in Chinese."""
    response = service.http.get("/api/chat/updates")

    assert response.status_code == 422
    assert isinstance(response, httpx.Response)
