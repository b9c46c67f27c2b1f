"""Numbers of lists: the quick way gives what the library gives."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.phones import BadPhone, Landline, masked, mobile


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("13800000001", "+8613800000001"), (" 138-0000 0001 ", "+8613800000001"), ("+8613800000001", "+8613800000001"),
        ("008613800000001", "+8613800000001"), ("8613800000001", "+8613800000001"), ("１３８０００００００１", "+8613800000001"),
        ("+852 9123 4567", "+85291234567"),
    ],
)  # fmt: skip
def test_mobile(said: str, number: str) -> None:
    """However it is written, one number."""
    assert mobile(said) == number


@pytest.mark.parametrize(
    ("said", "error"), [("0774-8200001", Landline), ("1380000", BadPhone), ("没有", BadPhone), ("", BadPhone)]
)
def test_what_no_text_reaches(said: str, error: type[BadPhone]) -> None:
    """Landlines and nonsense."""
    with pytest.raises(error):
        mobile(said)


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_the_quick_way_agrees_with_the_library(said: str) -> None:
    """Where the library knows a number, both give the same one."""
    parsed = phonenumbers.parse(said, "CN")
    if phonenumbers.is_valid_number(parsed):
        assert mobile(said) == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@given(st.text(max_size=20))
def test_any_text(said: str) -> None:
    """Any text is a number or a clear refusal."""
    try:
        number = mobile(said)
    except BadPhone:
        return
    assert number.startswith("+")
    assert number[1:].isascii()
    assert number[1:].isdigit()
    assert "****" in masked(number)
