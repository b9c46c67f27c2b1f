"""How a broadcast stands, in plain words: by village, and whom somebody has to visit instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.crypto import Vault
from core.regions import Regions
from outreach.audience import EXCLUSIONS, NO_PHONE, OPTED_OUT
from outreach.broadcast_tables import DeliveryRow, Fate
from outreach.phones import masked
from outreach.reading import unsealed
from outreach.tables import ContactRow

FATES = {
    Fate.WAITING: "等着发", Fate.QUEUED: "在发送队列", Fate.SENT: "已交给运营商", Fate.DELIVERED: "已收到", Fate.FAILED: "没收到",
    Fate.UNKNOWN: "不清楚收没收到", Fate.CANCELLED: "没有发（停止或退订）", Fate.EXCLUDED: "不发（没手机、退订等）",
}  # fmt: skip
ADVICE = {
    Fate.FAILED: "可以点“再发一次没收到的”；还不行，请网格员上门。", Fate.UNKNOWN: "不会再发，免得重复；请网格员问一声。",
    Fate.SENT: "运营商还没有回话；有的运营商一直不回，这就是最后的结果。",
    Fate.WAITING: "每天8点到21点发，到点自动停，第二天接着发。",
}  # fmt: skip
_VISITED = (Fate.FAILED, Fate.UNKNOWN)
_BATCH = 1000


@dataclass(frozen=True)
class Village:
    """One village's part of a broadcast: code, how many by fate."""

    region: str
    counts: dict[Fate, int]


@dataclass(frozen=True)
class Visit:
    """Somebody whom no text reached."""

    region: str
    name: str
    phone: str
    reason: str


def by_village(session: Session, broadcast_id: int) -> list[Village]:
    """The funnel of each village, out of one index."""
    query = select(DeliveryRow.region, DeliveryRow.fate, func.count()).where(DeliveryRow.broadcast_id == broadcast_id)
    found: dict[str, dict[Fate, int]] = {}
    for region, fate, count in session.execute(query.group_by(DeliveryRow.region, DeliveryRow.fate)):
        found.setdefault(region, {})[Fate(fate)] = count
    return [Village(region, counts) for region, counts in sorted(found.items())]


def total(villages: list[Village]) -> dict[Fate, int]:
    """The funnel of all villages together, in the order in which a text goes."""
    return {fate: sum(village.counts.get(fate, 0) for village in villages) for fate in Fate}


def excluded(session: Session, broadcast_id: int) -> dict[str, int]:
    """How many in the audience get no text, by the reason in plain words."""
    mine = (DeliveryRow.broadcast_id == broadcast_id, DeliveryRow.fate == Fate.EXCLUDED)
    query = select(DeliveryRow.reason, func.count()).where(*mine).group_by(DeliveryRow.reason)
    return {EXCLUSIONS.get(reason, reason): many for reason, many in session.execute(query.order_by(DeliveryRow.reason))}


def visits(session: Session, vault: Vault, broadcast_id: int, region: str = "") -> Iterator[Visit]:
    """Who was not reached, has no phone or opted out: for the grid member. A batch in memory at a time."""
    excluded = DeliveryRow.fate.in_([Fate.EXCLUDED, Fate.CANCELLED]) & DeliveryRow.reason.in_([NO_PHONE, OPTED_OUT])
    mine = (DeliveryRow.broadcast_id == broadcast_id, DeliveryRow.region.startswith(region, autoescape=True))
    query = (
        select(DeliveryRow.region, DeliveryRow.fate, DeliveryRow.reason, ContactRow.sealed)
        .join(ContactRow, ContactRow.id == DeliveryRow.contact_id)
        .where(*mine, DeliveryRow.fate.in_(_VISITED) | excluded)
        .order_by(DeliveryRow.region, DeliveryRow.contact_id)
        .execution_options(yield_per=_BATCH)
    )
    for code, fate, reason, sealed in session.execute(query):
        number, name = unsealed(vault, sealed)
        yield Visit(code, name, masked(number) if number else "", EXCLUSIONS.get(reason) or FATES[Fate(fate)])


def csv_lines(session: Session, regions: Regions, broadcast_id: int) -> Iterator[str]:
    """The funnel as CSV, a line a village."""
    yield "\ufeff村," + ",".join(FATES.values()) + "\r\n"
    for village in by_village(session, broadcast_id):
        yield regions.spoken(village.region) + "," + ",".join(str(village.counts.get(fate, 0)) for fate in FATES) + "\r\n"


def visit_lines(session: Session, vault: Vault, regions: Regions, broadcast_id: int) -> Iterator[str]:
    """The visit list as CSV."""
    yield "\ufeff村,姓名,手机,原因,去过了\r\n"
    for visit in visits(session, vault, broadcast_id):
        name = visit.name.replace(",", "，").lstrip("=+-@")  # a spreadsheet would take these for a formula
        yield f"{regions.spoken(visit.region)},{name},{visit.phone},{visit.reason},\r\n"
