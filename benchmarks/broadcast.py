"""Outreach at the size of a region: a list taken in, audiences counted and frozen, a send while villagers chat. See README.md."""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import re
import resource
import threading
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import delete, update

from benchmarks.conversations import Villagers
from benchmarks.load import interleaved
from benchmarks.sides import scratch_directory
from core import clock
from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from core.demo import PASSWORD
from core.outbox import Outbox
from core.regions import Regions, load_regions
from core.settings import Settings
from outreach.audience import Filter, count, day_number, freeze
from outreach.broadcast import Broadcasts, Terms
from outreach.broadcast_tables import BroadcastRow, DeliveryRow
from outreach.files import guess_mapping, header_and_sample
from outreach.importer import Imports
from outreach.rules import STATUS_NAMES, Status
from outreach.tables import ContactRow
from outreach.wording import draft
from service.remote import Remote, start_service

RESULTS = Path(__file__).parent / "results" / "broadcast.json"
CONTACTS, QUICK = int(os.environ.get("MINGBAI_BENCH_CONTACTS", "3694000")), 20_000
RECIPIENTS, QUICK_RECIPIENTS = 20_000, 2_000
CHAT_PER_S, BASELINE_S = 5.0, 20.0
OFFICE, COUNTY = "岑溪市防返贫办", "450481"
SENT_WITHIN_S = 300.0
console = Console()


def main(*, quick: bool = False) -> None:
    """Measure, print, and write the results (not with ``quick``)."""
    people = QUICK if quick else CONTACTS
    with scratch_directory() as scratch:
        figures = _region(scratch, people)
        figures |= _send(scratch / "service", QUICK_RECIPIENTS if quick else RECIPIENTS)
    table = Table("figure", "value", title=f"{people} contacts, load {os.getloadavg()[0]:.1f}")
    for name, value in figures.items():
        table.add_row(name, f"{value:.2f}")
    console.print(table)
    if not quick:
        RESULTS.parent.mkdir(exist_ok=True)
        said = {"contacts": people, "at": clock.today().isoformat(), **{name: round(value, 2) for name, value in figures.items()}}
        RESULTS.write_text(json.dumps(said, indent=1) + "\n", "utf-8")
        console.print(f"written: {RESULTS}")


# --- the list and its audiences --------------------------------------------------------------------------------------


def _region(scratch: Path, people: int) -> dict[str, float]:
    """SQLite, a list over all villages of Guangxi in no order. The clock runs from the first row to the last mark set."""
    regions, file = load_regions(), scratch / "list.csv"
    _write_list(file, regions, "45", people)
    database, vault = Database(f"sqlite:///{scratch / 'region.db'}"), Vault(bytes(32))
    database.upgrade()
    imports = Imports(database, vault, regions, scratch / "imports")
    with database.begin() as session:
        author = Account(username="a", name="a", role="outreach", region="45", password_hash="")
        session.add(author)
        session.flush()
        with file.open("rb") as source:
            number = imports.receive(session, author, "list.csv", iter(lambda: source.read(1 << 20), b""))
        imports.begin(session, number, guess_mapping(header_and_sample(file)[0]), "add")
    before, began = _peak_mb(), time.perf_counter()
    assert imports.run(number)
    took = time.perf_counter() - began
    figures = {"import_csv_rows_per_s": people / took, "import_rss_growth_mb": _peak_mb() - before}
    figures["audience_count_s"] = _slowest_count(database)
    figures["freeze_per_s"] = _freeze(database, author)
    database.close()
    return figures


def _write_list(file: Path, regions: Regions, region: str, people: int) -> None:
    chance, villages = random.Random(7), [village.code for village in regions.villages(region)]
    kinds = ["低保", "脱贫户", "监测对象、低保", "一般农户", ""]
    with file.open("w", encoding="utf-8") as out:
        out.write("姓名,手机号,村,户编号,类别\n")
        for at in range(people):
            phone = f"1{chance.choice('3589')}{chance.randrange(10**9):09d}" if at % 50 else ""
            out.write(f"示例{at},{phone},{chance.choice(villages)},{at // 3},{chance.choice(kinds)}\n")


def _slowest_count(database: Database) -> float:
    """The slowest of several audiences, each counted once, when a ninth was texted this week and a fifth reached before."""
    today = clock.today()
    day = day_number(today)
    with database.statement(writes=True) as connection:
        connection.execute(update(ContactRow).where(ContactRow.id % 9 == 0).values(messaged_day=day - 1))
        connection.execute(update(ContactRow).where(ContactRow.id % 5 == 0).values(reached_day=day - 40))
        connection.execute(update(ContactRow).where(ContactRow.id % 100 == 0, ContactRow.hold == 0).values(hold=2))
    slowest = 0.0
    for who in (Filter("45"), Filter("45", 7, 3, 30), Filter("4504", 1), Filter(COUNTY, 2, 7, unaware_of="dibao")):
        with database.statement(writes=False) as connection:
            began = time.perf_counter()
            found = count(connection, who, today)
            took = time.perf_counter() - began
        console.print(f"[dim]count {who.region}: {found.texts} of {found.found} in {took:.2f} s[/]", highlight=False)
        slowest = max(slowest, took)
    return slowest


def _freeze(database: Database, author: Account) -> float:
    with database.begin() as session:
        row = BroadcastRow(
            title="", region="45", author_id=author.id, status="draft", wording="", audience="", price=1, budget=0,
            created_at=clock.now(), updated_at=clock.now(),
        )  # fmt: skip
        session.add(row)
        session.flush()
        number = row.id
    began = time.perf_counter()
    with database.begin() as session:
        freeze(session.connection(), number, Filter("45"), clock.today())
    took = time.perf_counter() - began
    with database.statement(writes=True) as connection:
        return connection.execute(delete(DeliveryRow).where(DeliveryRow.broadcast_id == number)).rowcount / took


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- a send through the whole service ----------------------------------------------------------------------------------


def _send(data: Path, recipients: int) -> dict[str, float]:
    """The service with its own Rasa sends through the file carrier; villagers chat and an officer looks at the progress page."""
    data.mkdir()
    with start_service(Settings(), data) as remote:
        database, vault = Database(f"sqlite:///{data / 'mingbai.db'}"), Vault.open(data)
        broadcasts = Broadcasts(database, vault, Outbox(database, vault), load_regions(), Terms(OFFICE))
        officer, number = _signed(data, database, vault, broadcasts, recipients)
        end = time.monotonic() + BASELINE_S
        alone = asyncio.run(_chat(remote, "alone", lambda: time.monotonic() < end))
        page = _ProgressPage(remote, number)
        began = time.monotonic()
        with database.begin() as session:
            broadcasts.start(session, number, officer)
        page.start()
        meanwhile = asyncio.run(
            _chat(remote, "meanwhile", lambda: page.sent_at is None and time.monotonic() < began + SENT_WITHIN_S)
        )
        page.stop()
        database.close()
    if page.sent_at is None:
        raise TimeoutError(f"{recipients} texts were not sent within {SENT_WITHIN_S:.0f} s")
    console.print(f"[dim]chat p95 alone {_p95(alone):.0f} ms, meanwhile {_p95(meanwhile):.0f} ms[/]", highlight=False)
    return {
        "send_per_s": recipients / (page.sent_at - began), "progress_page_p95_ms": _p95(page.took),
        "chat_p95_ratio_during_send": _p95(meanwhile) / _p95(alone),
    }  # fmt: skip


def _signed(data: Path, database: Database, vault: Vault, broadcasts: Broadcasts, recipients: int) -> tuple[Account, int]:
    """A list of this many numbers, and a broadcast to all of them. Mandatory, so that the hour does not matter."""
    imports = Imports(database, vault, load_regions(), data / "imports")
    with database.begin() as session:
        officer, signer = session.query(Account).where(Account.username.in_(["outreach", "outreach2"])).order_by(Account.id)
        officer.named = signer.named = True
        lines = (f"示例{at},138{at:08d},{village}\n" for at, village in zip(range(recipients), _villages(), strict=False))
        content = ("姓名,手机号,村\n" + "".join(lines)).encode()
        listed = imports.receive(session, officer, "list.csv", [content])
        imports.begin(session, listed, {"name": 0, "phone": 1, "village": 2}, "add")
    imports.run(listed)
    with database.begin() as session:
        row = broadcasts.write(session, officer, "bench", draft("有难处找村里申报", OFFICE), Filter(COUNTY), mandatory=True)
        checked = broadcasts.check(session, row.id)
        if checked.problems or checked.texts != recipients:
            raise ValueError(f"{checked.texts} texts instead of {recipients}: {checked.problems}")
        broadcasts.sign(session, row.id, signer, row.digest)
        return officer, row.id


def _villages() -> Iterator[str]:
    return cycle([village.code for village in load_regions().villages(COUNTY)])


class _ProgressPage(threading.Thread):
    """An officer's browser that opens the progress page again and again; sees when everything was sent."""

    def __init__(self, remote: Remote, number: int) -> None:
        super().__init__(daemon=True)
        self._http = httpx.Client(base_url=remote.url, timeout=30, follow_redirects=True)
        self._path, self._over = f"/desk/broadcasts/{number}", threading.Event()
        self.took: list[float] = []
        self.sent_at: float | None = None
        csrf = re.search(r'name="csrf" value="([^"]+)"', self._http.get("/desk/login").text)
        assert csrf is not None
        form = {"username": "outreach", "password": PASSWORD, "csrf": csrf[1]}
        self._http.post("/desk/login", data=form).raise_for_status()

    def run(self) -> None:
        while not self._over.wait(0.2):
            began = time.monotonic()
            page = self._http.get(self._path)
            page.raise_for_status()
            self.took.append((time.monotonic() - began) * 1000)
            if STATUS_NAMES[Status.DONE] in page.text and self.sent_at is None:
                self.sent_at = time.monotonic()

    def stop(self) -> None:
        self._over.set()
        self.join()
        self._http.close()


async def _chat(remote: Remote, prefix: str, goes_on: Callable[[], bool]) -> list[float]:
    """Messages of many conversations, so many a second, as long as it goes on; latencies in ms from when each was due."""
    latencies: list[float] = []

    async def one(http: httpx.AsyncClient, sender: str, text: str, due: float) -> None:
        (await http.post("/api/chat", json={"sender": sender, "text": text})).raise_for_status()
        latencies.append((time.perf_counter() - due) * 1000)

    async with httpx.AsyncClient(base_url=remote.url, timeout=30, trust_env=False) as http:
        began, tasks = time.perf_counter(), []
        for place, (sender, text) in enumerate(interleaved(Villagers(prefix).conversations(3000))):
            due = began + place / CHAT_PER_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if not goes_on():
                break
            tasks.append(asyncio.create_task(one(http, sender, text, due)))
        await asyncio.gather(*tasks)
    return latencies


def _p95(values: list[float]) -> float:
    return sorted(values)[max(0, math.ceil(len(values) * 0.95) - 1)]
