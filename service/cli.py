"""The command line: ``mingbai …``."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from rich.console import Console
from rich.table import Table

from core import clock
from core.county import changed_county, load_county, save_county
from core.database import Database
from core.demo import seed_accounts, seed_demo
from core.errors import ConfigurationError, MingbaiError
from core.settings import Settings
from knowledge_base.sheet import Sheet
from service.cli_outbox import outbox_app
from service.cli_people import accounts_app, audit_app, households_app, refuse_unready, set_up_county

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Mingbai (明白): the policy assistant of a county.")
kb = typer.Typer(no_args_is_help=True, help="The knowledge base.")
app.add_typer(kb, name="kb")
app.add_typer(accounts_app, name="account")
app.add_typer(audit_app, name="audit")
app.add_typer(outbox_app, name="outbox")
app.add_typer(households_app, name="household")
console = Console(stderr=True, highlight=False)


@app.command()
def prepare() -> None:
    """Build what is missing or out of date: encoder, model, index, demo county."""
    with _plain_errors():
        _prepare(Settings())


@app.command()
def init(
    county: Annotated[str, typer.Argument(help="the county's division code: 450481")],
    admin: Annotated[str, typer.Option(help="user name of the first administrator")],
    duty_phone: Annotated[str, typer.Option(help="the phone that somebody answers day and night")],
) -> None:
    """Set up a live county in an empty data directory: no demo people, one administrator."""
    with _plain_errors():
        password = set_up_county(Settings(), county, admin, duty_phone)
        typer.echo(f"{admin}: {password}")
        _say("hand the password over in person; then «mingbai account add …» for the others, and «mingbai up»")


@app.command()
def train() -> None:
    """Train the assistant; only when its inputs changed."""
    with _plain_errors():
        artefacts = _artefacts(Settings())
        artefacts.prepare_encoder(_say)
        _say("trained" if artefacts.prepare_model(_say) else "nothing changed since the last training")


@app.command()
def up() -> None:
    """Prepare, then serve the county with its own Rasa until stopped."""
    with _plain_errors():
        settings = Settings()
        _prepare(settings)
        _serve(settings)


@app.command()
def ask(question: Annotated[str, typer.Argument(help="what a villager would write")]) -> None:
    """Ask the running assistant; starts one for the question if none runs."""
    from service.remote import running_service

    with _plain_errors(), running_service(Settings(), _say) as remote:
        answer = remote.chat("ask-" + os.urandom(6).hex(), question)
        for reply in answer["replies"]:
            typer.echo(reply["text"])
            for button in reply["buttons"]:
                typer.echo(f"  [{button['title']}]")
        for source in answer["sources"][:1]:
            typer.echo(f"{remote.url}{source['url']}")


@app.command()
def county(
    rule: Annotated[str | None, typer.Option(help="what is promised to who reports: 上门核实; '' takes the promise back")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=365, help="within how many days")] = None,
    document: Annotated[str | None, typer.Option(help="the document that says so, name and number")] = None,
    keep: Annotated[str | None, typer.Option(help="how long reports are kept, as villagers are told: 办完后保管五年。")] = None,
    accepted_door: Annotated[bool | None, typer.Option(help="whether a report here is the formal application")] = None,
) -> None:
    """Show or change what the county entered; a running service reads it at its next start."""
    with _plain_errors():
        database = Database(Settings().sqlalchemy_url)
        database.upgrade()
        try:
            with database.begin() as session:
                found = load_county(session)
                if found is None:
                    raise ConfigurationError("no county is set up: run «mingbai prepare» first")
                changed = changed_county(found, rule, days, document, keep, accepted_door)
                save_county(session, changed)
        finally:
            database.close()
        promise = f"{changed.rule.document}: {changed.rule.days}天内{changed.rule.text}" if changed.rule else "—"
        typer.echo(f"{changed.name} ({changed.code}) · accepted door: {changed.accepted_door}")
        typer.echo(f"rule: {promise} · keep: {changed.keep or '—'}")


@app.command()
def evaluate(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="labelled messages, one JSON object a line")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON instead of a table")] = False,
    floor: Annotated[Path | None, typer.Option(help='JSON of metric and least value, or {"most": …}; exit 1 outside')] = None,
    misses: Annotated[bool, typer.Option(help="list what went wrong")] = False,
    details: Annotated[bool, typer.Option(help="the same by kind, sheet, aspect and style")] = False,
    url: Annotated[
        str | None, typer.Option(help="a running demo to send them to; default: one of our own on throwaway data")
    ] = None,
) -> None:
    """Send labelled messages through the whole assistant and print the metrics."""
    from service.evaluate import run_evaluation

    with _plain_errors():
        report = run_evaluation(file, Settings(), url, _say)
        if as_json:
            typer.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=1))
        else:
            _print_metrics(report.metrics)
            for name, groups in report.by.items() if details else ():
                _print_groups(name, groups)
        if misses:
            for line in report.misses:
                typer.echo(line)
        outside = report.outside(json.loads(floor.read_text("utf-8"))) if floor else []
        for line in outside:
            console.print(f"[red]out of bounds:[/] {line}")
        if outside:
            raise typer.Exit(1)


@kb.command("build")
def kb_build() -> None:
    """Build the index of what is published; a malformed seed is refused with file, line and reason."""
    with _plain_errors():
        settings = Settings()
        artefacts = _artefacts(settings)
        artefacts.prepare_encoder(_say)
        _say("built" if artefacts.prepare_index(_say, _published(settings)) else "nothing changed since the last build")


@kb.command("search")
def kb_search(
    question: str,
    region: Annotated[str | None, typer.Option(help="division code of the villager's place")] = None,
    on: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="the day to answer for; default today")] = None,
) -> None:
    """Search the sheets as the assistant does."""
    from knowledge_base.encoder import Encoder
    from knowledge_base.search import Searcher

    with _plain_errors():
        settings = Settings()
        artefacts = _artefacts(settings)
        artefacts.prepare_encoder(_say)
        artefacts.prepare_index(_say, _published(settings))
        try:
            day = date.fromisoformat(on) if on else clock.today()
        except ValueError:
            raise ConfigurationError(f"«{on}» is no date; write YYYY-MM-DD") from None
        with Searcher(settings.index_file, Encoder(artefacts.encoder)) as searcher:
            result = searcher.search(question, region=region, day=day)
        table = Table("score", "sheet#section", "title", "short")
        for hit in result.hits:
            table.add_row(f"{hit.score:.2f}", f"{hit.sheet}#{hit.key}", hit.title, hit.short)
        Console().print(table)
        typer.echo(f"confidence that a sheet answers: {result.confidence:.2f}")


def _prepare(settings: Settings) -> None:
    """Encoder, model, index, demo county: each only if its inputs changed."""
    from service.demo import confirm_demo_prechecks

    began = time.monotonic()
    artefacts = _artefacts(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    artefacts.prepare_encoder(_say)
    artefacts.prepare_model(_say)
    artefacts.prepare_index(_say, _published(settings))
    database = Database(settings.sqlalchemy_url)
    with database.begin() as session:
        county = load_county(session)
        if county is None:
            _say("seeding the demo county 岑溪市 (people are invented)")
            seed_demo(session)
        elif county.demo:
            seed_accounts(session)
        else:
            refuse_unready(session, county)
        if county is None or county.demo:
            confirm_demo_prechecks(session)
    database.close()
    _say(f"prepared in {time.monotonic() - began:.1f} s")


def _published(settings: Settings) -> list[Sheet]:
    """The sheets in print, from a database that is made where there is none."""
    from service.artefacts import published_sheets

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.sqlalchemy_url)
    try:
        database.upgrade()
        return published_sheets(database, _say)
    finally:
        database.close()


def _artefacts(settings: Settings) -> Any:
    from service.artefacts import Artefacts

    return Artefacts(settings)


def _serve(settings: Settings) -> None:
    import uvicorn

    from service.app import create_app, write_run_file
    from service.supervisor import free_port

    _plain_logs()
    port = settings.port or free_port()
    config = uvicorn.Config(
        create_app(settings), host=settings.host, port=port, log_level="warning", access_log=False, server_header=False
    )
    write_run_file(settings, port)
    _say(f"open http://{settings.host}:{port}/  ·  desk: http://{settings.host}:{port}/desk  ·  stop: Ctrl+C")
    try:
        uvicorn.Server(config).run()
    finally:
        settings.run_file.unlink(missing_ok=True)


def _plain_logs() -> None:
    """Structured lines on stderr. What villagers write never goes into a log."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _print_metrics(metrics: dict[str, Any]) -> None:
    table = Table("metric", "value", "of")
    for name, (value, count) in metrics.items():
        table.add_row(name, f"{value:.3f}", str(count))
    Console().print(table)


def _print_groups(name: str, groups: dict[str, dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(metric for metrics in groups.values() for metric in metrics))
    table = Table(name, *columns)
    for group, metrics in groups.items():
        cells = [f"{metrics[column][0]:.3f} of {metrics[column][1]}" if column in metrics else "" for column in columns]
        table.add_row(group, *cells)
    Console().print(table)


def _say(line: str) -> None:
    console.print(f"[green]·[/] {line}")


@contextmanager
def _plain_errors() -> Iterator[None]:
    """An expected error is one line with its remedy, not a traceback."""
    try:
        yield
    except (MingbaiError, ConfigurationError) as error:
        console.print(f"[red]error:[/] {error}")
        raise typer.Exit(1) from None
