"""The desk with a million cases over every village of Guangxi, on SQLite and PostgreSQL; filing; the ledger. See README.md."""

from __future__ import annotations

import json
import os
import random
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import create_engine, insert, text

from benchmarks.ledger import peak_mb
from cadres.case import Case, Cases, Details
from cadres.inbox import Folder, Inbox
from cadres.plan import own_plan
from core import clock
from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from core.regions import load_regions

RESULTS = Path(__file__).parent / "results" / "inbox.json"
POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/test"
CASES, QUICK = int(os.environ.get("MINGBAI_BENCH_CASES", "1000000")), 20_000
LEDGER_ROWS, LEDGER_COUNTY = 100_000, "450481"
CHUNK = 5_000
OPEN_SHARE = 0.15  # of a million cases so many are open: more than a 15 days' cap would leave
LOOKS = 240  # of each kind, over desks of all levels
FILED_S = 5.0
EVENTS = [
    "住院花了五万，报销后还差很多",
    "房子漏雨，墙裂开了",
    "断水一个多月，天天去挑",
    "厂倒了，几个月没工钱",
    "孩子上大学，学费交不起",
]
NAMES = "莫梁李陈黄覃韦苏甘植封谢"
console = Console()


def main(*, quick: bool = False) -> None:
    """Measure, print and, unless quick, write the results."""
    count = QUICK if quick else CASES
    figures: dict[str, float] = {}
    for name, opened in (("sqlite", _sqlite), ("postgres", _postgresql)):
        with opened() as database:
            bench = Bench(database, count)
            bench.fill()
            figures |= bench.desk(name)
            if name == "sqlite":
                figures["case_file_per_s_sqlite"] = bench.filing()
                figures["ledger_100k_rss_mb"] = bench.ledger(min(LEDGER_ROWS, count))
    table = Table("figure", "value", title=f"{count} cases")
    for name, value in figures.items():
        table.add_row(name, f"{value:.1f}")
    console.print(table)
    if not quick:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps({"cases": count, "at": clock.today().isoformat(), **figures}, indent=1) + "\n", "utf-8")


class Bench:
    """One database full of cases, and the desks that look at them."""

    def __init__(self, database: Database, count: int) -> None:
        self.database, self.count = database, count
        self.key = secrets.token_bytes(32)
        self.vault = Vault(self.key)
        self.cases, self.chance = Cases(self.vault), random.Random(7)
        self.inbox = Inbox(self.cases)
        self.villages = [village.code for village in load_regions().villages("45")]
        self.desks: list[Account] = []
        self.phones: list[str] = []

    def fill(self) -> None:
        """Cases of all ages in all states, one message each, and a desk of every level."""
        now = clock.now()
        details = [self.vault.seal_json(vars(Details(event, contact=""))) for event in EVENTS]
        with Progress(console=console) as bar:
            task = bar.add_task(f"{self.database.engine.dialect.name}: {self.count} cases", total=self.count)
            for start in range(0, self.count, CHUNK):
                rows = [self._row(now, details) for _ in range(min(CHUNK, self.count - start))]
                with self.database.begin() as session:
                    session.execute(insert(Case), rows)
                bar.advance(task, len(rows))
        for code in self.chance.sample(self.villages, 40):
            for region, role in ((code, "village"), (code[:9], "town"), (code[:6], "county")):
                desk = Account(username=f"{region}{secrets.token_hex(3)}", name="某", role=role, region=region, password_hash="x")
                desk.named = role != "village"
                self.desks.append(desk)
        with self.database.begin() as session:
            session.add_all(self.desks)
        if self.database.engine.dialect.name == "postgresql":
            with self.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("vacuum analyze cases"))
        else:
            with self.database.engine.begin() as connection:
                connection.exec_driver_sql("analyze")

    def desk(self, name: str) -> dict[str, float]:
        """p95 of the first page with every folder's count, and of a search, over desks of all levels."""

        def inbox() -> None:
            account = self.chance.choice(self.desks)
            with self.database.read() as session:
                self.inbox.counts(session, account)
                folder = self.chance.choice(list(Folder))
                for row in self.inbox.page(session, account, folder):
                    self.cases.details(row)

        def search() -> None:
            account, kind = self.chance.choice(self.desks), self.chance.random()
            typed = (
                self.chance.choice(self.phones) if kind < 0.4 else f"{self.chance.choice(NAMES)}某{self.chance.randrange(2000)}"
                if kind < 0.8 else self.chance.choice(["漏雨", "学费", "断水"])
            )  # fmt: skip
            with self.database.read() as session:
                self.inbox.search(session, account, typed)

        return {f"inbox_page_p95_ms_{name}": _p95(inbox), f"inbox_search_p95_ms_{name}": _p95(search)}

    def filing(self) -> float:
        """Reports filed a second, each committed by itself and on disk before the next."""
        details, done, until = Details("住院", contact="+8613800138000"), 0, time.perf_counter() + FILED_S
        while time.perf_counter() < until:
            with self.database.begin() as session:
                self.cases.open(session, f"bench{done}", self.chance.choice(self.villages), details, [("villager", "住院")])
            done += 1
        return done / FILED_S

    def ledger(self, rows: int) -> float:
        """Peak memory of a process that writes a ledger of so many rows: cases of one county, on top of the others."""
        details, now = [self.vault.seal_json(vars(Details(EVENTS[0], contact="+8613800138000", name="覃建国")))], clock.now()
        own = [village.code for village in load_regions().villages(LEDGER_COUNTY)]
        for start in range(0, rows, CHUNK):
            made = [{**self._row(now, details), "region": self.chance.choice(own)} for _ in range(min(CHUNK, rows - start))]
            with self.database.begin() as session:
                session.execute(insert(Case), made)
        return peak_mb(self.database.url, self.key, LEDGER_COUNTY, rows)

    def _row(self, now: datetime, details: list[bytes]) -> dict[str, Any]:
        is_open, chance = self.chance.random() < OPEN_SHARE, self.chance
        created = now - timedelta(days=chance.uniform(0, 15 if is_open else 1500))
        due = created + timedelta(days=chance.uniform(1, 16)) if is_open else None
        phone = f"+861{chance.randrange(10**9, 10**10 - 1)}"
        if len(self.phones) < 500:
            self.phones.append(phone)
        return {
            "region": chance.choice(self.villages), "urgency": "urgent" if chance.random() < 0.02 else "routine",
            "state": chance.choice(own_plan().steps).state if is_open else chance.choice(["admitted", "refused", "withdrawn"]),
            "danger": "violence" if chance.random() < 0.002 else None, "conversation": secrets.token_hex(8),
            "details": chance.choice(details), "contact_hash": self.cases.phone_key(phone), "proxy": False, "origin": "self",
            "name_hash": self.cases.name_key(f"{chance.choice(NAMES)}某{chance.randrange(2000)}"), "created_at": created,
            "updated_at": created, "since": created, "due_at": due, "cap_at": created + timedelta(days=15),
            "closed_at": None if is_open else created + timedelta(days=12), "reach": chance.choice([12, 12, 12, 9, 6]),
            "assignee_id": chance.randrange(1, 100) if chance.random() < 0.6 else None,
        }  # fmt: skip


def _p95(look: Callable[[], None]) -> float:
    for _ in range(10):
        look()
    times = []
    for _ in range(LOOKS):
        start = time.perf_counter()
        look()
        times.append((time.perf_counter() - start) * 1000)
    return quantiles(times, n=20)[-1]


@contextmanager
def _sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="mingbai-bench-") as scratch:
        database = Database(f"sqlite:///{Path(scratch) / 'inbox.db'}")
        database.upgrade()
        yield database
        database.close()


@contextmanager
def _postgresql() -> Iterator[Database]:
    outside, schema = create_engine(POSTGRESQL), f"bench_{secrets.token_hex(6)}"
    with outside.begin() as connection:
        connection.exec_driver_sql(f"create schema {schema}")
    database = Database(f"{POSTGRESQL}?options=-csearch_path%3D{schema}")
    try:
        database.upgrade()
        yield database
    finally:
        database.close()
        with outside.begin() as connection:
            connection.exec_driver_sql(f"drop schema {schema} cascade")
        outside.dispose()
