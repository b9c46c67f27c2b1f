"""The poster of a village's code (一码通): A4, to be read from two steps away."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import segno
from fpdf import FPDF
from fpdf.enums import TextMode, WrapMode, XPos, YPos

from web.font import NAME, chinese

SIDE, TOP = 18.0, 20.0  # margins in mm
QR_SIZE = 105.0
_GREEN, _SOFT, _RED = (23, 87, 63), (82, 92, 86), (176, 32, 32)
_WORDS = {
    "head": "有困难，扫一扫",
    "sub": "问政策 · 报困难 · 查进度",
    "free": "不收钱，不要银行卡，不要验证码",
    "typed": "不会扫码，手机上输：",
    "sms": "也可以发短信到：",
    "call": "打电话问：",
    "hotlines": "政务热线 12345　防返贫热线 12317",
    "danger": "有人有生命危险，马上打 110 · 120 · 119",
    "real": "真的网址只有这一个：{domain}，扫出来不是它，不要填。",
}


@dataclass(frozen=True)
class Poster:
    """What a poster says. ``address`` is what the code holds; ``contacts`` are lines of whom to call; ``sms`` the number that
    villagers can write to, where replies are possible."""

    village: str
    county: str
    address: str
    contacts: tuple[str, ...] = ()
    sms: str = ""


def posters_pdf(posters: Sequence[Poster]) -> bytes:
    """One page a poster."""
    paper = FPDF(format="A4")
    paper.set_margins(SIDE, TOP, SIDE)
    paper.set_auto_page_break(False)
    paper.set_title("一码通海报")
    paper.set_lang("zh-CN")
    said = "".join(f"{one.village}{one.county}{one.address}{''.join(one.contacts)}{one.sms}" for one in posters)
    with chinese(paper, f"{said}{''.join(_WORDS.values())}"):
        for poster in posters:
            paper.add_page()
            _draw(paper, poster)
        return bytes(paper.output())


def _draw(paper: FPDF, poster: Poster) -> None:
    _line(paper, f"{poster.county}　一码通", 15, _GREEN, 9)
    with _bold(paper, _GREEN):
        _line(paper, poster.village, _fitting(paper, poster.village, 40), _GREEN, 18)
        _line(paper, _WORDS["head"], 44, (0, 0, 0), 22)
    _line(paper, _WORDS["sub"], 19, (0, 0, 0), 11)
    image = io.BytesIO()
    segno.make(poster.address, error="q").save(image, kind="png", scale=12, border=3)
    paper.image(image, (paper.w - QR_SIZE) / 2, paper.get_y() + 1, QR_SIZE, QR_SIZE, alt_text=f"二维码：{poster.address}")
    paper.set_y(paper.get_y() + QR_SIZE + 2)
    _line(paper, f"{_WORDS['typed']}{poster.address.split('://', 1)[-1]}", 14, (0, 0, 0), 8)
    if poster.sms:
        _line(paper, f"{_WORDS['sms']}{poster.sms}", 14, (0, 0, 0), 8)
    with _bold(paper, _RED):
        _line(paper, _WORDS["free"], 22, _RED, 13)
    for contact in poster.contacts[:2]:
        _line(paper, f"{_WORDS['call']}{contact}", 15, (0, 0, 0), 8.5)
    _line(paper, _WORDS["hotlines"], 15, (0, 0, 0), 8.5)
    with _bold(paper, _RED):
        _line(paper, _WORDS["danger"], 16, _RED, 10)
    _line(paper, _WORDS["real"].format(domain=urlsplit(poster.address).netloc), 10.5, _SOFT, 6)


def _line(paper: FPDF, text: str, size: float, colour: tuple[int, int, int], height: float) -> None:
    paper.set_font(NAME, "", size)
    paper.set_text_color(*colour)
    paper.multi_cell(0, height, text, align="C", wrapmode=WrapMode.CHAR, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _fitting(paper: FPDF, text: str, size: float) -> float:
    """The largest size up to one at which a text fits its line."""
    while size > 16:
        paper.set_font(NAME, "", size)
        if paper.get_string_width(text) <= paper.epw - 4:
            break
        size -= 1
    return size


@contextmanager
def _bold(paper: FPDF, colour: tuple[int, int, int]) -> Iterator[None]:
    """The font has one weight: its outline drawn too makes it heavier."""
    with paper.local_context(text_mode=TextMode.FILL_STROKE, line_width=0.25):
        paper.set_draw_color(*colour)
        yield
