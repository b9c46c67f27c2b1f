"""What was staged of a list becomes contacts, set-wise. Every function works inside the caller's transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, Table, and_, case, delete, func, insert, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.rights import below
from outreach.tables import ContactRow, Hold, ImportRow, OptOutRow, StagedRow

SLICES = 16  # by the first four bits of the person's key: the index of persons is then filled from left to right
_FIELDS = ("address", "household", "region", "categories", "language")
_TAKEN = (*_FIELDS, "person", "hold", "sealed")
_UNTOUCHED: dict[str, Any] = {"shared": False, "messaged_day": 0, "reached_day": 0, "replied_day": 0}


def is_empty(connection: Connection) -> bool:
    return connection.execute(select(ContactRow.id).limit(1)).first() is None


def merge_into_nothing(connection: Connection, import_id: int) -> None:
    """Take everything at once into an empty table. Its indexes are built afterwards, which is several times quicker."""
    table = ContactRow.__table__
    assert isinstance(table, Table)
    built = sorted(table.indexes, key=lambda index: str(index.name))
    for index in built:
        index.drop(connection)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA cache_size=-65536")
    connection.execute(insert(ContactRow).from_select(_columns(), _staged(import_id, None)))
    for index in built:
        index.create(connection)


def merge(connection: Connection, import_id: int, mode: str, number: int) -> None:
    """Take one slice. Mode ``add`` leaves those who are there as they are, ``replace`` gives them what the list says."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    into = dialect.insert(ContactRow).from_select(_columns(), _staged(import_id, number))
    new, there = into.excluded, ContactRow.__table__.c
    changed: dict[str, Any] = {
        "last_import": new.last_import,
        "hold": case((there.hold == Hold.GONE, new.hold), else_=there.hold),
    }
    if mode == "replace":
        changed |= {name: new[name] for name in (*_FIELDS, "sealed")}
        # opt-outs are put back at the end, and looked up again before each text
        changed["hold"] = new.hold
    connection.execute(into.on_conflict_do_update(index_elements=["person"], set_=changed))


def compare(connection: Connection, import_id: int, number: int) -> None:
    """Count what one slice would add, change and leave."""
    staged = _staged(import_id, number).subquery()
    there = ContactRow
    differs = or_(*(getattr(there, name).is_distinct_from(staged.c[name]) for name in _FIELDS))
    found = select(
        func.count(), func.count(there.id), func.coalesce(func.sum(case((and_(there.id.is_not(None), differs), 1), else_=0)), 0)
    ).select_from(staged.outerjoin(there, and_(there.person == staged.c.person, there.hold != Hold.GONE)))
    rows, known, changed = connection.execute(found).one()
    counts = {
        "added": ImportRow.added + rows - known, "changed": ImportRow.changed + changed, "same": ImportRow.same + known - changed,
    }  # fmt: skip
    connection.execute(update(ImportRow).where(ImportRow.id == import_id).values(counts))


def finish(connection: Connection, import_id: int, mode: str, region: str) -> None:
    """What can be said only when the whole list is in: how many are new, who is gone, whose number is shared."""
    here = below(ContactRow.region, region)
    listed = and_(here, ContactRow.hold != Hold.GONE)
    counts: dict[str, Any] = {}
    if mode == "compare":
        total = connection.execute(select(func.count()).select_from(ContactRow).where(listed)).scalar_one()
        counts["gone"] = total - ImportRow.changed - ImportRow.same
    else:
        tally = select(func.count(), func.coalesce(func.sum(case((ContactRow.first_import == import_id, 1), else_=0)), 0))
        seen, added = connection.execute(tally.where(ContactRow.last_import == import_id)).one()
        counts |= {"added": added, "changed" if mode == "replace" else "same": seen - added}
        if mode == "replace":
            leave = update(ContactRow).where(listed, ContactRow.last_import != import_id)
            counts["gone"] = connection.execute(leave.values(hold=int(Hold.GONE))).rowcount
        tidy(connection)
    connection.execute(update(ImportRow).where(ImportRow.id == import_id).values(counts))
    connection.execute(delete(StagedRow).where(StagedRow.import_id == import_id))


def tidy(connection: Connection) -> None:
    """Bring the marks of all contacts up to date: whose number is shared, and who had opted out."""
    often = (
        select(ContactRow.address)
        .where(ContactRow.address.is_not(None), ContactRow.hold != Hold.GONE)
        .group_by(ContactRow.address)
        .having(func.count() > 1)
    )
    marked = update(ContactRow).where(ContactRow.shared)
    connection.execute(marked.where(ContactRow.address.not_in(often)).values(shared=False))
    unmarked = update(ContactRow).where(~ContactRow.shared)
    connection.execute(unmarked.where(ContactRow.address.in_(often)).values(shared=True))
    out = update(ContactRow).where(ContactRow.hold == Hold.NONE, ContactRow.address.in_(select(OptOutRow.address)))
    connection.execute(out.values(hold=int(Hold.OPTED_OUT)))


def _columns() -> list[str]:
    return [*_TAKEN, *_UNTOUCHED, "first_import", "last_import"]


def _staged(import_id: int, number: int | None) -> Select[*tuple[Any, ...]]:
    """The staged rows of a slice, or all, in the order of persons; of a person who stands there twice, the last."""
    staged = StagedRow
    mine = [staged.import_id == import_id]
    if number is not None:
        mine.append(staged.person >= bytes([number << 4]))
        if number + 1 < SLICES:
            mine.append(staged.person < bytes([(number + 1) << 4]))
    last = select(func.max(staged.line).label("line")).where(*mine).group_by(staged.person).subquery()
    fixed = [literal(value) for value in _UNTOUCHED.values()]
    taken = [getattr(staged, name) for name in _TAKEN]
    return (
        select(*taken, *fixed, literal(import_id), literal(import_id))
        .join(last, and_(staged.import_id == import_id, staged.line == last.c.line))
        .order_by(staged.person)
    )
