"""A sheet as a PDF for A4: the same words as its page, with the village's QR code."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import segno
from fpdf import FPDF
from fpdf.enums import TextMode, WrapMode, XPos, YPos

from web.font import NAME, chinese

SIDE, TOP, FOOT = 17.0, 15.0, 20.0  # margins in mm
QR_SIZE = 30.0
_GREEN, _SOFT, _TINT = (23, 87, 63), (82, 92, 86), (253, 243, 216)
_PIECE = re.compile(r"[0-9A-Za-z.%:/@#+=?&_-]+|\s+|.", re.DOTALL)
_NEVER_FIRST = "，。、；：！？）》〉」』】”’…%"
_NEVER_LAST = "（《〈「『【“‘"


@dataclass(frozen=True)
class Village:
    """What the QR code on a printed sheet leads to: the village's own page."""

    name: str
    url: str


def sheet_pdf(sheet: dict[str, Any], county: str, village: Village | None) -> bytes:
    """The document of a sheet as its page shows it (``web.sheets.sheet_view``)."""
    paper = _Paper(sheet, county, village)
    return paper.document()


class _Paper(FPDF):
    def __init__(self, sheet: dict[str, Any], county: str, village: Village | None) -> None:
        super().__init__(format="A4")
        self._sheet, self._county, self._village = sheet, county, village
        self._foot = f"{county}　政务热线 12345　防返贫热线 12317　报警 110　急救 120　火警 119"
        self._promise = "问政策、报困难，不收一分钱。以村里、镇里最新通知为准。"
        self.set_margins(SIDE, TOP, SIDE)
        self.set_auto_page_break(True, FOOT + 3)
        self.set_title(f"{sheet['title']}（明白纸）")
        self.set_author(county)
        self.set_lang("zh-CN")

    def document(self) -> bytes:
        with chinese(self, f"{self._sheet}{self._foot}{self._promise}{self._village}{_WORDS}年月日第页"):
            self.add_page()
            self._head()
            for section in self._sheet["sections"]:
                self._section(section)
            self._contacts()
            self._origin()
            return bytes(self.output())

    def footer(self) -> None:
        """Whom to call, on every page."""
        self.set_y(-FOOT)
        self.set_draw_color(*_SOFT)
        self.line(SIDE, self.get_y(), self.w - SIDE, self.get_y())
        self.set_y(-FOOT + 2)
        self._plain(9, _SOFT)
        for text in (self._foot, f"{self._promise}　第 {self.page_no()} 页"):
            self.cell(0, 5, text, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _head(self) -> None:
        right = QR_SIZE + 6 if self._village else 0.0
        if self._village:
            image = io.BytesIO()
            segno.make(self._village.url, error="m").save(image, kind="png", scale=8, border=2)
            self.image(image, self.w - SIDE - QR_SIZE, TOP, QR_SIZE, QR_SIZE, alt_text=f"二维码：{self._village.url}")
            self.set_xy(self.w - SIDE - QR_SIZE - 3, TOP + QR_SIZE)
            self._plain(8.5, _SOFT)
            self.multi_cell(QR_SIZE + 6, 4, f"{_WORDS['scan']}\n{self._village.name}", align="C", wrapmode=WrapMode.CHAR)
        bottom = self.get_y()
        self.set_xy(SIDE, TOP)
        self._plain(11, _GREEN)
        self._lines("明白纸", 6, right=right)
        with self._bold(21):
            self._lines(self._sheet["title"], 10, right=right)
        self._plain(10.5, _SOFT)
        self._lines(f"适用：{self._sheet['region_name']}　{_day(self._sheet['reviewed_on'])}核对", 6, right=right)
        self.set_y(max(self.get_y(), bottom) + 2)
        self.set_draw_color(*_GREEN)
        self.set_line_width(0.6)
        self.line(SIDE, self.get_y(), self.w - SIDE, self.get_y())
        self.set_line_width(0.2)

    def _section(self, section: dict[str, Any]) -> None:
        self._keep_together(34)
        self.ln(5)
        self.start_section(section["title"])
        with self._bold(14.5, _GREEN):
            self._lines(section["title"], 7.5)
        self.ln(1)
        self._short(section["short"])
        self._plain(11.5)
        for block in section["blocks"]:
            for item in block if isinstance(block, list) else [block]:
                self.ln(1)
                self._lines(item, 6.2, bullet=isinstance(block, list))
        self.ln(1)
        self._plain(8.5, _SOFT)
        self._lines(f"来源：{'；'.join(section['sources'])}", 4.5)

    def _short(self, text: str) -> None:
        """The line that is said first, on a tint."""
        self._plain(12)
        rows = list(self._rows(text, self.epw - 8))
        height = len(rows) * 6.6 + 3
        self._keep_together(height)
        self.set_fill_color(*_TINT)
        self.rect(SIDE, self.get_y(), self.epw, height, style="F")
        self.set_y(self.get_y() + 1.5)
        with self._bold(12):
            for row in rows:
                self.set_x(SIDE + 4)
                self.cell(0, 6.6, row, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_y(self.get_y() + 1.5)

    def _contacts(self) -> None:
        self._keep_together(30)
        self.ln(6)
        with self._bold(13, _GREEN):
            self._lines(_WORDS["still"], 7)
        self._plain(11.5)
        for contact in self._sheet["contacts_text"]:
            self._lines(contact, 6.2, bullet=True)

    def _origin(self) -> None:
        self._keep_together(30)
        self.ln(4)
        until = f"，到{_day(self._sheet['effective_to'])}止" if self._sheet["effective_to"] else ""
        self._plain(9, _SOFT)
        self._lines(f"负责单位：{self._sheet['issuer']}", 4.8)
        self._lines(f"依据文件：{self._sheet['document']}", 4.8)
        self._lines(f"有效时间：{_day(self._sheet['effective_from'])}起{until}", 4.8)

    def _lines(self, text: str, height: float, *, bullet: bool = False, right: float = 0.0) -> None:
        """A paragraph in the present font. Stars of bold are left out: one weight of the font is enough."""
        indent = 5.0 if bullet else 0.0
        for number, row in enumerate(self._rows(text.replace("**", ""), self.epw - indent - right)):
            if bullet and number == 0:
                self.cell(indent, height, "•")
            self.set_x(SIDE + indent)
            self.cell(0, height, row, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _rows(self, text: str, width: float) -> Iterator[str]:
        """Lines no wider than ``width`` (mm): numbers stay whole, punctuation stands where Chinese readers expect it."""
        row = ""
        pieces: list[str] = _PIECE.findall(text)
        for piece, after in zip(pieces, [*pieces[1:], ""], strict=True):
            needed = piece + after if after and after in _NEVER_FIRST else piece
            full = self.get_string_width(row + needed) > width or piece.startswith("\n")
            if row and full and piece not in _NEVER_FIRST:
                held = row[-1] if row[-1] in _NEVER_LAST else ""
                yield row[: len(row) - len(held)]
                row = held
            row += "" if piece.isspace() and not row else piece
        if row:
            yield row

    def _keep_together(self, height: float) -> None:
        if self.will_page_break(height):
            self.add_page()

    def _plain(self, size: float, colour: tuple[int, int, int] = (0, 0, 0)) -> None:
        self.set_font(NAME, "", size)
        self.set_text_color(*colour)

    @contextmanager
    def _bold(self, size: float, colour: tuple[int, int, int] = (0, 0, 0)) -> Iterator[None]:
        """The font has one weight: its outline drawn too makes it heavier."""
        self._plain(size, colour)
        with self.local_context(text_mode=TextMode.FILL_STROKE, line_width=0.12):
            self.set_draw_color(*colour)
            yield


def _day(iso: str) -> str:
    """A date as people say it: 2026年11月23日."""
    day = date.fromisoformat(iso)
    return f"{day.year}年{day.month}月{day.day}日"


_WORDS = {"scan": "扫一扫，问政策、报困难", "still": "还是不明白，找谁问"}
