"""Commands about a live county's people: setting the county up, accounts, the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from cadres.household import read_list, take_in
from cadres.spreadsheet import BadList
from channels.sms import number
from core.accounts import Account, add_account, reset_password
from core.audit import Audit
from core.county import County, CountySetting, load_county, save_county
from core.crypto import Vault
from core.database import Database
from core.errors import ConfigurationError
from core.regions import load_regions
from core.rights import LEVEL_OF, ROLES, SECOND_FACTOR_ROLES, UNITS
from core.settings import Settings

FAULTS_SHOWN = 50
accounts_app = typer.Typer(no_args_is_help=True, help="Who may log in to the desk.")
households_app = typer.Typer(no_args_is_help=True, help="The county's list of households.")
audit_app = typer.Typer(no_args_is_help=True, help="The audit log.")


def set_up_county(settings: Settings, code: str, admin: str, duty_phone: str) -> str:
    """A live county with one administrator and nobody else; gives the password to hand over.

    Raises ConfigurationError where a county is set up already or the code is no county's.
    """
    place = load_regions().get(code)
    if place is None or place.level != "county":
        raise ConfigurationError(f"«{code}» is no county's division code (6 digits, such as 450481)")
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with _session(settings) as session:
        if load_county(session) is not None:
            raise ConfigurationError(f"{settings.data_dir} holds a county already; take another data directory (MINGBAI_DATA)")
        save_county(session, County(code, demo=False, accepted_door=False))
        session.merge(CountySetting(key="duty_phone", value=duty_phone))
        return _add(session, settings, admin, "管理员", "admin", code, "")


@accounts_app.command("add")
def add(
    username: str,
    name: Annotated[str, typer.Argument(help="as villagers and colleagues read it")],
    role: Annotated[str, typer.Argument(help=", ".join(ROLES))],
    region: Annotated[str, typer.Argument(help="division code of the place: 6 digits county, 9 township, 12 village")],
    unit: Annotated[str, typer.Option(help=f"of a department: {', '.join(UNITS)}")] = "",
    named: Annotated[bool, typer.Option(help="may see cases of violence")] = False,
    phone: Annotated[str, typer.Option(help="where alerts and the day's digest go")] = "",
) -> None:
    """Add an account and print the password to hand over; it must be changed at the first log-in."""
    settings = Settings()
    with _plain_errors(), _session(settings) as session:
        county = load_county(session)
        if county is None:
            raise ConfigurationError("no county is set up: run «mingbai init» first")
        _check(role, region, unit, county.code)
        to = _sealed(settings, phone) if phone else None
        typer.echo(f"{username}: {_add(session, settings, username, name, role, region, unit, named=named)}")
        _account(session, username).phone = to


@accounts_app.command("reset")
def reset(username: str) -> None:
    """Give an account a new password and let it enrol a new phone."""
    settings = Settings()
    with _plain_errors(), _session(settings) as session:
        account = _account(session, username)
        typer.echo(f"{username}: {reset_password(session, account)}")
        _log(settings).record(session, None, "reset", "account", account.id)


@accounts_app.command("phone")
def change_phone(username: str, phone: Annotated[str, typer.Argument(help="empty takes it away")]) -> None:
    """Change the phone on which somebody is told of alerts and of the day's deadlines."""
    settings = Settings()
    with _plain_errors(), _session(settings) as session:
        account = _account(session, username)
        account.phone = _sealed(settings, phone) if phone else None
        _log(settings).record(session, None, "phone", "account", account.id)


@accounts_app.command("stop")
def stop(username: str) -> None:
    """Close an account: it cannot log in, its log-ins end, what it did stays."""
    settings = Settings()
    with _plain_errors(), _session(settings) as session:
        account = _account(session, username)
        account.active = False
        _log(settings).record(session, None, "stop", "account", account.id)


@accounts_app.command("list")
def listing() -> None:
    """Show the accounts."""
    with _plain_errors(), _session(Settings()) as session:
        table = Table("username", "name", "role", "region", "unit", "state")
        for row in session.scalars(select(Account).order_by(Account.region, Account.username)):
            state = "stopped" if not row.active else "first password" if row.must_change else "demo" if row.demo else ""
            table.add_row(row.username, row.name, row.role, row.region, row.unit, state)
    Console().print(table)


@households_app.command("import")
def import_households(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Excel: 村代码 户编号 户主 电话 人口")],
    dry_run: Annotated[bool, typer.Option(help="check every line, change nothing")] = False,
) -> None:
    """Take in the list of households, all of it or, where a line is wrong, nothing; the same list again changes nothing."""
    settings = Settings()
    with _plain_errors(), _session(settings) as session:
        county = load_county(session)
        if county is None:
            raise ConfigurationError("no county is set up: run «mingbai init» first")
        try:
            lines = read_list(file, load_regions(), county.code)
        except BadList as bad:
            raise ConfigurationError("\n".join([str(BadList.__doc__), *bad.faults[:FAULTS_SHOWN]])) from None
        if dry_run:
            typer.echo(f"{len(lines)} households, no line is wrong; nothing was changed")
            return
        taken = take_in(session, Vault.open(settings.data_dir), lines)
        _log(settings).record(session, None, "import", "households", "", f"{taken.new} new {taken.changed} changed")
        typer.echo(f"{len(lines)} households: {taken.new} new, {taken.changed} changed")


@audit_app.command("verify")
def verify(
    head: Annotated[
        str | None, typer.Option(help="a head noted earlier (NUMBER:DIGEST): it must still stand in the chain")
    ] = None,
) -> None:
    """Go through the chain; exit 1 where a row was changed, is missing, or the end was cut off."""
    settings = Settings()
    with _plain_errors(), _session(settings) as session:
        verdict = _log(settings).verify(session, _parse_head(head) if head else None)
        if not verdict.is_sound:
            raise ConfigurationError(f"the audit log is not what was written: {verdict.fault}")
        typer.echo(f"sound: {verdict.entries} rows")


@audit_app.command("head")
def show_head() -> None:
    """Print number and digest of the last row, for the auditor to keep elsewhere."""
    settings = Settings()
    with _plain_errors(), _session(settings) as session:
        number, digest = _log(settings).head(session)
        typer.echo(f"{number}:{digest}")


def refuse_unready(session: Session, county: County) -> None:
    """Raises ConfigurationError where a live county is not fit to be served."""
    if county.demo:
        return
    if session.scalars(select(Account.id).where(Account.demo)).first() is not None:
        raise ConfigurationError(
            "a live county has demo accounts: «mingbai account stop» does not remove them, start with «init»"
        )
    duty = session.get(CountySetting, "duty_phone")
    if duty is None or not duty.value:
        raise ConfigurationError("a live county needs the phone that is answered day and night: «mingbai init --duty-phone …»")


def _check(role: str, region: str, unit: str, county: str) -> None:
    place = load_regions().get(region)
    if role not in ROLES:
        raise ConfigurationError(f"no role «{role}»; there are: {', '.join(ROLES)}")
    if place is None or not region.startswith(county):
        raise ConfigurationError(f"«{region}» is no place of this county ({county})")
    if len(region) != LEVEL_OF.get(role, 6):
        raise ConfigurationError(f"«{role}» works for a place of {LEVEL_OF.get(role, 6)} digits, «{region}» has {len(region)}")
    if (role == "department") != (unit in UNITS) or (unit and unit not in UNITS):
        raise ConfigurationError(f"a department, and nobody else, has a unit: {', '.join(UNITS)}")


def _add(
    session: Session, settings: Settings, username: str, name: str, role: str, region: str, unit: str, *, named: bool = False
) -> str:  # fmt: skip
    if session.scalars(select(Account.id).where(Account.username == username)).first() is not None:
        raise ConfigurationError(f"there is an account «{username}» already")
    account = add_account(session, username, name, role, region, "", unit=unit)
    account.second_factor, account.named = role in SECOND_FACTOR_ROLES, named
    session.flush()
    password = reset_password(session, account)
    _log(settings).record(session, None, "add", "account", account.id, f"{role} {region}")
    return password


def _sealed(settings: Settings, phone: str) -> bytes:
    to = number(phone)
    if to is None:
        raise ConfigurationError(f"«{phone}» is no phone number")
    return Vault.open(settings.data_dir).seal(to)


def _account(session: Session, username: str) -> Account:
    account = session.scalars(select(Account).where(Account.username == username)).first()
    if account is None:
        raise ConfigurationError(f"there is no account «{username}»")
    return account


def _parse_head(text: str) -> tuple[int, str]:
    number, _, digest = text.partition(":")
    if not number.isdigit() or len(digest) != 64:
        raise ConfigurationError("a head is NUMBER:DIGEST, as «mingbai audit head» prints it")
    return int(number), digest


def _log(settings: Settings) -> Audit:
    return Audit(Vault.open(settings.data_dir))


@contextmanager
def _session(settings: Settings) -> Iterator[Session]:
    database = Database(settings.sqlalchemy_url)
    try:
        database.upgrade()
        with database.begin() as session:
            yield session
    finally:
        database.close()


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        Console(stderr=True, highlight=False).print(f"[red]error:[/] {error}")
        raise typer.Exit(1) from None
