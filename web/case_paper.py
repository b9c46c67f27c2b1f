"""A case's file as a PDF for A4: the report, every step with its answers, questions to departments. Name and phone are masked."""

from __future__ import annotations

from typing import Any

from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos

from web.font import NAME, chinese

SIDE, TOP, FOOT = 17.0, 15.0, 18.0  # margins in mm
_GREEN, _SOFT = (23, 87, 63), (82, 92, 86)


def case_pdf(case: dict[str, Any], history: list[dict[str, Any]], referrals: list[tuple[str, str, str]], mark: str) -> bytes:
    """The document. ``case`` and ``history`` as the page shows them; ``referrals``: department, question, answer; ``mark``: who
    took it out and when, on every page."""
    return _Paper(case, history, referrals, mark).document()


class _Paper(FPDF):
    def __init__(
        self, case: dict[str, Any], history: list[dict[str, Any]], referrals: list[tuple[str, str, str]], mark: str
    ) -> None:
        super().__init__(format="A4")
        self._case, self._history, self._referrals, self._mark = case, history, referrals, mark
        self.set_margins(SIDE, TOP, SIDE)
        self.set_auto_page_break(True, FOOT + 3)
        self.set_title(f"案卷 {case['number']}")
        self.set_lang("zh-CN")

    def document(self) -> bytes:
        with chinese(
            self,
            f"{self._case}{self._history}{self._referrals}{self._mark}案卷编号办理经过转部门答还没有回第页依据限办完录入过期，。：；（）→",
        ):
            self.add_page()
            self._line(f"案卷　编号 {self._case['number']}", 18, _GREEN)
            self._line(f"{self._case['state']}　{self._case['place']}　{self._case['when']}", 10, _SOFT)
            self.ln(3)
            for label, value in self._facts():
                self._line(f"{label}：{value}")
            self._heading("办理经过")
            for event in reversed(self._history):
                self._event(event)
            if self._referrals:
                self._heading("转部门")
            for unit, question, answer in self._referrals:
                self._line(f"{unit}：{question}")
                self._line(f"答：{answer or '还没有回'}")
            self.ln(4)
            self._line(f"依据：{self._case['document']}", 8.5, _SOFT)
            return bytes(self.output())

    def footer(self) -> None:
        """Who took it out, on every page."""
        self.set_y(-FOOT)
        self._line(f"{self._mark}　第 {self.page_no()} 页", 8.5, _SOFT)

    def _facts(self) -> list[tuple[str, str]]:
        case = self._case
        facts = [
            ("事情", case["event"]),
            ("电话", case["contact"]),
            *case["more"],
            ("来源", f"{case['origin']} {case['outside']}".strip()),
        ]
        facts += [("受理", f"{case['accepted_by']} {case['accepted_when']}".strip()), ("户编号", case["official"])]
        return [(label, value) for label, value in facts if value]

    def _event(self, event: dict[str, Any]) -> None:
        self.ln(2)
        late = "（过期）" if event["late"] else ""
        entered = f"（{event['entered']}录入）" if event["entered"] else ""
        self._line(f"{event['title']} {event['moved']}{late}".strip(), 11.5)
        for label, value in event["said"]:
            self._line(f"{label}：{value}", 10)
        self._line(f"{event['who']}，{event['when']}{entered}", 9, _SOFT)

    def _heading(self, text: str) -> None:
        self.ln(5)
        self._line(text, 13, _GREEN)

    def _line(self, text: str, size: float = 11.0, colour: tuple[int, int, int] = (0, 0, 0)) -> None:
        self.set_font(NAME, "", size)
        self.set_text_color(*colour)
        self.multi_cell(0, size * 0.55, text, align="L", wrapmode=WrapMode.CHAR, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
