"""Which published sheets need a look because time has passed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from knowledge_base.checks import figure_years
from knowledge_base.sheet import Sheet


@dataclass(frozen=True)
class Patience:
    """After how many days a sheet is to be reviewed again, how many before its end to warn, how many years figures keep."""

    review_days: int
    expiry_days: int
    figure_years: int


def stale_reasons(sheet: Sheet, day: date, patience: Patience) -> list[str]:
    """Why a sheet needs a look on a day; empty while it does not."""
    reasons = []
    if sheet.effective_to is not None and sheet.effective_to < day:
        reasons.append(f"{sheet.effective_to:%Y-%m-%d}已失效，不再回答")
    elif sheet.effective_to is not None and (sheet.effective_to - day).days <= patience.expiry_days:
        reasons.append(f"{sheet.effective_to:%Y-%m-%d}就要失效")
    age = (day - sheet.reviewed_on).days
    if age > patience.review_days:
        reasons.append(f"{age}天没有核对了")
    old = sorted({year for year in figure_years(sheet) if year < day.year - patience.figure_years})
    if old:
        reasons.append("有旧年份的数目：" + "、".join(map(str, old)))
    return reasons
