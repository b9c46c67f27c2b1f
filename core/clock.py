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


def waited(since: datetime) -> str:
    """«等了5分钟», as cadres read it."""
    lasted = now() - as_utc(since)
    if lasted < timedelta(minutes=1):
        return "刚刚"
    if lasted < timedelta(hours=1):
        return f"等了{int(lasted.total_seconds() // 60)}分钟"
    hours = int(lasted.total_seconds() // 3600)
    return f"等了{hours}小时" if hours < 48 else f"等了{hours // 24}天"


def spoken(moment: datetime) -> str:
    """«11月23日 14:05», as cadres read it."""
    local = as_utc(moment).astimezone(CHINA)
    return f"{local.month}月{local.day}日 {local:%H:%M}"
