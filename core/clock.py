"""Time: aware UTC inside, Chinese local time for people."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


def now() -> datetime:
    """The present moment, aware, UTC."""
    return datetime.now(timezone.utc)


def today() -> date:
    """Today's date in China, which decides whether a sheet is in force."""
    return now().astimezone(CHINA).date()


def as_utc(moment: datetime) -> datetime:
    """SQLite gives naive times back; all that we store is UTC."""
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)


def spoken(moment: datetime) -> str:
    """«11月23日 14:05», as cadres read it."""
    local = as_utc(moment).astimezone(CHINA)
    return f"{local.month}月{local.day}日 {local:%H:%M}"
