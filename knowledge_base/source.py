"""Where a fact comes from, as a sheet writes it: ``[已核 S17 2024 桂]`` or ``[常识 待核]``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SOURCE = re.compile(
    r"\[(?:(?P<grade>已核) (?P<number>S\d{2,3}[ab]?)(?: (?P<year>\d{4}(?:-\d{2})?))?(?: (?P<place>[^\]\s]+))?|常识 待核)\]"
)


@dataclass(frozen=True)
class Source:
    """Where a section's facts come from: ``grade`` 已核 (seen) or 待核 (general knowledge, to be checked)."""

    grade: str
    number: str = ""
    year: str = ""
    place: str = ""

    @property
    def label(self) -> str:
        if self.grade != "已核":
            return "一般常识，以村里、镇里最新通知为准"
        return "".join(part for part in (self.place, self.year and f"{self.year}年", f"（{self.number}）") if part)


def parse_sources(text: str) -> list[Source]:
    """One source or more. Raises ValueError with the reason."""
    found = list(_SOURCE.finditer(text))
    if not found or _SOURCE.sub("", text).strip():
        raise ValueError("source 要写成「[已核 Sxx 年份 地方]」或「[常识 待核]」，可以几个")
    return [Source(match["grade"] or "待核", match["number"] or "", match["year"] or "", match["place"] or "") for match in found]
