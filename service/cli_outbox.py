"""Commands about what goes out: what is stuck, and what to do after a restore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from core import clock
from core.crypto import Vault
from core.database import Database
from core.delivery import State
from core.outbox import Outbox
from core.settings import Settings

outbox_app = typer.Typer(no_args_is_help=True, help="What goes out to people.")
STUCK = (State.DEAD, State.UNKNOWN, State.HELD)
console = Console()


@outbox_app.command("show")
def show() -> None:
    """How many messages are in each state, and the newest that are dead, unknown or held. Nothing of whom they go to."""
    with _outbox() as outbox:
        counts, letters = outbox.counts(), outbox.letters(STUCK)
    console.print("  ".join(f"{state} {count}" for state, count in sorted(counts.items())) or "empty")
    table = Table("id", "channel", "state", "reason", "tries", "since", "broadcast")
    for letter in letters:
        since = clock.spoken(letter.updated_at)
        table.add_row(letter.id, letter.channel, letter.state, letter.reason, str(letter.tries), since, letter.batch or "")
    if letters:
        console.print(table)


@outbox_app.command("quarantine")
def quarantine() -> None:
    """After a restore, before the service starts: hold what waits, and call unknown what was on its way."""
    with _outbox() as outbox:
        held, unknown = outbox.quarantine()
    console.print(f"{held} held, {unknown} unknown: compare with the carrier, then «mingbai outbox release»")


@outbox_app.command("hold")
def hold(channel: Annotated[str | None, typer.Option(help="only of this channel, such as sms")] = None) -> None:
    """Keep back what waits."""
    with _outbox() as outbox:
        console.print(f"{outbox.hold(channel)} held")


@outbox_app.command("release")
def release(channel: Annotated[str | None, typer.Option(help="only of this channel, such as sms")] = None) -> None:
    """Let go what is held."""
    with _outbox() as outbox:
        console.print(f"{outbox.release(channel)} released")


@outbox_app.command("retry")
def retry(message_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Send a dead message again, with all its tries. One that is unknown cannot be: it may have arrived."""
    with _outbox() as outbox:
        again, state = outbox.try_again(message_id), outbox.state(message_id)
    if not again:
        console.print(f"[red]error:[/] {message_id} is {state or 'not there'}, not dead: it is not sent again")
        raise typer.Exit(1)
    console.print("queued")


@contextmanager
def _outbox() -> Iterator[Outbox]:
    settings = Settings()
    database = Database(settings.sqlalchemy_url)
    database.upgrade()
    try:
        yield Outbox(database, Vault.open(settings.data_dir))
    finally:
        database.close()
