"""What the demo county has confirmed: the pre-checks that can be tried, with figures that are examples."""

from __future__ import annotations

from sqlalchemy.orm import Session

from knowledge_base.confirmation import confirm, confirmed_precheck, latest
from knowledge_base.sheet import parse_sheet
from service.artefacts import SHEETS

BY = "演示数据（示例）"
# dibao's line is Nanning's of 2022: no newer one of Guangxi is known, and the demo says that it is an example
FIGURES = {"monitoring-eligibility": {"line": 8000}, "dibao": {"line": 6800}}


def confirm_demo_prechecks(session: Session) -> None:
    """Confirm the demo's pre-checks, unless a person has decided about them or they are confirmed as they stand."""
    for name, figures in FIGURES.items():
        sheet = parse_sheet(SHEETS / "45" / f"{name}.md")
        last = latest(session, sheet.id, sheet.region)
        standing = confirmed_precheck(session, sheet.id, sheet.region, sheet.criteria) is not None
        if sheet.criteria is not None and not standing and (last is None or last.by == BY):
            confirm(session, sheet.id, sheet.region, sheet.criteria, figures, by=BY)
