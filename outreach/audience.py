"""Who a broadcast is for: a filter, counted live, and frozen into deliveries set-wise.

Everything that a filter asks lies in one index (``ix_outreach_contacts_audience``); what is excluded is counted by its reason,
the first that holds, so that the numbers add up to all whom the filter finds.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, insert, literal, select, update
from sqlalchemy.orm import aliased

from core.rights import below
from outreach.broadcast_tables import AwarenessRow, DeliveryRow, Fate, is_fate
from outreach.tables import ContactRow, Hold

NO_PHONE, OPTED_OUT, RECENT, AWARE, SAME_PHONE, OPEN_CASE = "no phone", "opted out", "recent", "aware", "same phone", "open case"
EXCLUSIONS = {
    NO_PHONE: "没有手机", OPTED_OUT: "本人退订", RECENT: "最近刚发过", AWARE: "已经知道", SAME_PHONE: "和别人同一个手机",
    OPEN_CASE: "正在办事",
}  # fmt: skip
SAMPLE = 5
EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970-01-01, as the table counts them."""
    return (day - EPOCH).days


@dataclass(frozen=True)
class Filter:
    """Who: a place with all below it, any of some categories (bits, 0: all), not texted within so many days, not reached for
    so many days (0: no matter), whether they ever replied (None: no matter), not known to be aware of a sheet."""

    region: str
    categories: int = 0
    quiet_days: int = 3
    unreached_days: int = 0
    replied: bool | None = None
    unaware_of: str = ""

    def dumps(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def loads(cls, text: str) -> Filter:
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Count:
    """How many people a filter finds, how many texts they get, and how many get none, by reason."""

    found: int
    texts: int
    excluded: dict[str, int]


def count(connection: Connection, who: Filter, today: date, *, mandatory: bool = False, busy: Collection[bytes] = ()) -> Count:
    """Count an audience. Each query reads one range of the index; no row is read twice.

    ``busy``: addresses of people with an open case, who get no broadcast meanwhile.
    """
    base = _base(who, today)
    recent = _recent(who, today)

    def number(*conditions: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(ContactRow).where(*base, *conditions)
        return int(connection.execute(query).scalar_one())

    no_phone, out = number(ContactRow.hold == Hold.NO_PHONE), number(ContactRow.hold == Hold.OPTED_OUT)
    open_to = ContactRow.hold.in_([Hold.NONE, Hold.OPTED_OUT]) if mandatory else ContactRow.hold == Hold.NONE
    excluded = {NO_PHONE: no_phone, OPTED_OUT: 0 if mandatory else out}
    excluded[RECENT] = number(open_to, recent) if who.quiet_days and not mandatory else 0
    wanted = [open_to] if mandatory or not who.quiet_days else [open_to, ~recent]
    left = number(*wanted)
    excluded[AWARE] = _count_aware(connection, who, [*base, *wanted]) if who.unaware_of else 0
    phones = select(func.count(), func.count(ContactRow.address.distinct())).where(*base, *wanted, ContactRow.shared)
    if who.unaware_of:
        phones = phones.where(~_aware(who))
    sharing, numbers = connection.execute(phones).one()
    excluded[SAME_PHONE] = sharing - numbers
    excluded[OPEN_CASE] = 0 if mandatory else _count_busy(connection, who, [*base, *wanted], busy)
    texts = left - excluded[AWARE] - excluded[SAME_PHONE] - excluded[OPEN_CASE]
    return Count(texts + sum(excluded.values()), texts, {reason: many for reason, many in excluded.items() if many})


def sample(connection: Connection, who: Filter, today: date, *, mandatory: bool = False) -> list[int]:
    """The ids of some who would get a text."""
    query = select(ContactRow.id).where(*_base(who, today), _reason(who, today, mandatory=mandatory) == "")
    return list(connection.execute(query.limit(SAMPLE)).scalars())


def freeze(
    connection: Connection, broadcast_id: int, who: Filter, today: date, *, mandatory: bool = False, busy: Collection[bytes] = ()
) -> None:
    """Write down everybody whom the filter finds, with what keeps a text from them. One text a number: the first who has it."""
    reason = _reason(who, today, mandatory=mandatory)
    columns = ["broadcast_id", "contact_id", "region", "fate", "reason", "attempt"]
    base = _base(who, today)

    def written(why: ColumnElement[str]) -> list[Any]:
        fate = case((why == "", Fate.WAITING), else_=Fate.EXCLUDED)
        return [literal(broadcast_id), ContactRow.id, ContactRow.region, fate, why, literal(1)]

    alone = select(*written(reason)).where(*base, (~ContactRow.shared) | (reason != ""))
    connection.execute(insert(DeliveryRow).from_select(columns, alone))
    place = func.row_number().over(partition_by=ContactRow.address, order_by=ContactRow.id)
    first = case((place == 1, ""), else_=SAME_PHONE)
    together = (
        select(ContactRow.id, ContactRow.region, first.label("why")).where(*base, ContactRow.shared, reason == "").subquery()
    )
    fate = case((together.c.why == "", Fate.WAITING), else_=Fate.EXCLUDED)
    rows = select(literal(broadcast_id), together.c.id, together.c.region, fate, together.c.why, literal(1))
    connection.execute(insert(DeliveryRow).from_select(columns, rows))
    waiting = update(DeliveryRow).where(DeliveryRow.broadcast_id == broadcast_id, is_fate(Fate.WAITING))
    for some in () if mandatory else _chunks(busy):
        theirs = select(ContactRow.id).where(ContactRow.address.in_(some))
        spared = waiting.where(DeliveryRow.contact_id.in_(theirs))
        connection.execute(spared.values(fate=Fate.EXCLUDED, reason=OPEN_CASE))


def _base(who: Filter, today: date) -> list[ColumnElement[bool]]:
    """Whom the filter finds, whether they can be texted or not."""
    conditions = [ContactRow.hold != Hold.GONE, below(ContactRow.region, who.region)]
    if who.categories:
        conditions.append(ContactRow.categories.op("&")(who.categories) != 0)
    if who.unreached_days:
        conditions.append(ContactRow.reached_day <= day_number(today) - who.unreached_days)
    if who.replied is not None:
        conditions.append(ContactRow.replied_day > 0 if who.replied else ContactRow.replied_day == 0)
    return conditions


def _recent(who: Filter, today: date) -> ColumnElement[bool]:
    return ContactRow.messaged_day > day_number(today) - who.quiet_days


def _aware(who: Filter) -> ColumnElement[bool]:
    knows = aliased(AwarenessRow)
    return select(knows.knew).where(knows.contact_id == ContactRow.id, knows.sheet == who.unaware_of, knows.knew).exists()


def _count_aware(connection: Connection, who: Filter, conditions: list[ColumnElement[bool]]) -> int:
    """From the side of those who were asked, who are few."""
    asked = select(func.count()).select_from(AwarenessRow).join(ContactRow, ContactRow.id == AwarenessRow.contact_id)
    query = asked.where(AwarenessRow.sheet == who.unaware_of, AwarenessRow.knew, *conditions)
    return int(connection.execute(query).scalar_one())


def _count_busy(connection: Connection, who: Filter, conditions: list[ColumnElement[bool]], busy: Collection[bytes]) -> int:
    """From the side of those who have an open case, who are few."""
    query = select(func.count(ContactRow.address.distinct())).where(*conditions)
    if who.unaware_of:
        query = query.where(~_aware(who))
    return sum(connection.execute(query.where(ContactRow.address.in_(some))).scalar_one() for some in _chunks(busy))


def _chunks(addresses: Collection[bytes]) -> Iterator[list[bytes]]:
    """So many at a time as every database takes in one list."""
    distinct = sorted(set(addresses))
    for start in range(0, len(distinct), 500):
        yield distinct[start : start + 500]


def _reason(who: Filter, today: date, *, mandatory: bool) -> ColumnElement[str]:
    """What keeps a text from somebody; empty where nothing does."""
    reasons = [(ContactRow.hold == Hold.NO_PHONE, NO_PHONE)]
    if not mandatory:
        reasons.append((ContactRow.hold == Hold.OPTED_OUT, OPTED_OUT))
        if who.quiet_days:
            reasons.append((_recent(who, today), RECENT))
    if who.unaware_of:
        reasons.append((_aware(who), AWARE))
    return case(*reasons, else_="")
