"""Many rows at once, past the ORM and its parameters: COPY on PostgreSQL, tuples on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection


def append(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows to a table, in the transaction of ``connection``. Values are the driver's own: str, int, bool, bytes, None."""
    if not rows:
        return
    named = ", ".join(columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table} ({named}) VALUES ({marks})", list(rows))  # noqa: S608  # our own names
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({named}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
