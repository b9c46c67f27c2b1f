"""SMS: numbers, and answers in one or two parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.segment import SMS_PART, sms_units
from channels.sms import is_mainland, number, render, text_of


@pytest.mark.parametrize(
    ("spoken", "e164"),
    [
        ("13800138000", "+8613800138000"), ("+86 138 0013 8000", "+8613800138000"), ("0774-8123456", "+867748123456"),
        ("+85251234567", "+85251234567"), ("莫志明", None), ("", None), ("0774-8***110", None), ("12345678901234567890", None),
    ],
)  # fmt: skip
def test_numbers(spoken: str, e164: str | None) -> None:
    """Mainland numbers without their country, others with it; what cannot be dialled is none."""
    assert number(spoken) == e164


def test_mainland() -> None:
    """+86 is, +852, +853 and +886 are not."""
    assert [is_mainland(each) for each in ("+8613800138000", "+85251234567", "+85366123456", "+886912345678")] == [
        True, False, False, False,
    ]  # fmt: skip


def bubble(text: str, *titles: str) -> dict[str, object]:
    """A reply as it is stored."""
    return {"text": text, "buttons": [{"title": title, "payload": title} for title in titles]}


def test_an_answer_with_choices() -> None:
    """Bubbles below each other, choices with the numbers that choose them."""
    assert render([bubble("到村里申请。"), bubble("来源：低保明白纸", "要带什么", "多久办好")]) == (
        "到村里申请。\n来源：低保明白纸\n回数字：1要带什么 2多久办好"
    )


def test_what_does_not_fit_is_left_out_from_the_end() -> None:
    """First the last choices, then later bubbles; the first bubble stays, whole if it can."""
    first = "先" * 100 + "。"
    assert (
        render([bubble(first), bubble("来源" * 10, "一" * 3, "二" * 3, "三" * 3)]) == f"{first}\n{'来源' * 10}\n回数字：1一一一"
    )
    assert render([bubble(first), bubble("来源" * 40, "选")]) == f"{first}\n回数字：1选"
    assert render([bubble("句。" * 100)]) == "句。" * 66
    assert render([bubble("无" * 200)]) == "无" * 133 + "…"
    assert render([bubble("无" * 200)], parts=1) == "无" * 69 + "…"


def test_nothing_to_say() -> None:
    """No replies, no text; a text is sent as it is."""
    assert render([]) == render([bubble("")]) == text_of({}) == ""
    assert text_of({"text": "已受理"}) == "已受理"


@given(
    st.lists(
        st.builds(bubble, st.text(max_size=200), st.text("选择要什么", max_size=12)), max_size=4
    ),
    st.integers(1, 3),
)  # fmt: skip
def test_never_more_than_its_parts(replies: list[dict[str, object]], parts: int) -> None:
    """Whatever is said fits; and something is said where there is something to say."""
    said = render(replies, parts)
    assert sms_units(said) <= (70 if parts == 1 else SMS_PART * parts)
    assert bool(said) == any(reply["text"] for reply in replies)
