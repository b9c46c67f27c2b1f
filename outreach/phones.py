"""Phone numbers of lists: E.164, and whether a text can reach them."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

from core.errors import MingbaiError

_MAINLAND = re.compile(r"1[3-9][0-9]{9}")
_DECORATION = str.maketrans("", "", " -\t()（）　－\u00a0")
_WIDE = str.maketrans("０１２３４５６７８９＋", "0123456789+")
_TEXTED = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


class BadPhone(MingbaiError):
    """手机号不对。"""


class Landline(BadPhone):
    """是固定电话，收不到短信。"""


def mobile(said: str) -> str:
    """The number as E.164. Raises BadPhone, Landline.

    Nearly all are mainland mobile numbers, which one pattern decides; the library, a hundred times slower, sees the rest.
    """
    number = said.translate(_DECORATION)
    if not _MAINLAND.fullmatch(number):
        number = number.translate(_WIDE)
        for prefix in ("+86", "0086", "86"):
            if number.startswith(prefix) and len(number) == len(prefix) + 11:
                number = number[len(prefix) :]
                break
    if _MAINLAND.fullmatch(number) and number.isascii():
        return f"+86{number}"
    try:
        parsed = phonenumbers.parse(number, "CN")
    except NumberParseException:
        raise BadPhone from None
    if not phonenumbers.is_valid_number(parsed):
        raise BadPhone
    if phonenumbers.number_type(parsed) not in _TEXTED:
        raise Landline
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def masked(number: str) -> str:
    """«138****0000», as the desk shows it."""
    local = number.removeprefix("+86")
    return f"{local[:3]}****{local[-4:]}" if len(local) > 7 else "****"
