"""Where a fact comes from, as a sheet writes it: ``[已核 S17 2024 桂]`` or ``[常识 待核]``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SOURCE = re.compile(
    r"\[(?:(?P<grade>已核) (?P<number>S\d{2,3}[ab]?)(?: (?P<year>\d{4}(?:-\d{2})?))?(?: (?P<place>[^\]\s]+))?|常识 待核)\]"
)

BASES = 3  # years and places that a source line names


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


def basis_of(sources: list[Source]) -> str:
    """For which years and places the checked facts of a section hold, as it is said; at most three of them."""
    seen = [
        f"{source.year[:4] + '年' if source.year else ''}{_spoken(source.place)}" for source in sources if source.grade == "已核"
    ]
    named = [basis for basis in dict.fromkeys(seen) if basis]
    if not named:
        return "是一般的说法，还没有核实"
    more = "等" if len(named) > BASES else ""
    return f"依据：{'、'.join(named[:BASES])}{more}的说法"


def _spoken(place: str) -> str:
    """桂·岑溪 is 广西岑溪, 国 the whole country, 外·四川 another province."""
    where, _, within = place.partition("·")
    if where == "外":
        return f"外省{within}"
    return {"桂": "广西", "国": "全国"}.get(where, where) + within
