"""Texts cut for SMS and WeChat."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.segment import sms_parts, sms_units, wechat_parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [("", 0), ("好" * 70, 1), ("好" * 71, 2), ("好" * 134, 2), ("好" * 135, 3), ("😀" * 35, 1), ("😀" * 36, 2)],
)
def test_sms_are_counted_as_operators_do(text: str, parts: int) -> None:
    """70 units in one, 67 in each part of several; an emoji or a rare character counts two."""
    assert len(sms_parts(text)) == parts


@given(st.text(st.characters(codec="utf-8")))
def test_sms_parts_lose_nothing_and_fit(text: str) -> None:
    """Put together the parts are the text; none is too long, and no pair is cut."""
    parts = sms_parts(text)
    assert "".join(parts) == text
    limit = 70 if len(parts) < 2 else 67
    assert all(0 < sms_units(part) <= limit and part.encode("utf-16-be").decode("utf-16-be") == part for part in parts)


@given(st.text(st.sampled_from("好。！\n a😀，")) | st.text(st.characters(codec="utf-8")), st.integers(8, 60))
def test_wechat_messages_lose_nothing_and_fit(text: str, limit: int) -> None:
    """Put together the messages are the text, and each is within the limit in bytes."""
    parts = wechat_parts(text, limit)
    assert "".join(parts) == text
    assert all(0 < len(part.encode()) <= limit for part in parts)


def test_wechat_breaks_at_the_end_of_a_sentence() -> None:
    """Where a sentence fits into a message it is not cut."""
    assert wechat_parts("先问村委。再去镇上。带身份证。", 32) == ["先问村委。再去镇上。", "带身份证。"]
