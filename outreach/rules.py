"""The rules of a broadcast, without a database: what may follow what, when texts may go out, what money allows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum

from core.clock import CHINA
from core.errors import MingbaiError

OPENS, CLOSES = time(8), time(21)  # nobody is texted outside, Asia/Shanghai


class Status(StrEnum):
    """Where a broadcast is."""

    DRAFT = "draft"
    CHECKED = "checked"  # frozen, and waits for signatures
    APPROVED = "approved"
    SENDING = "sending"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"


class Step(StrEnum):
    """What people, or the sending itself, do with one."""

    CHECK = "check"
    EDIT = "edit"
    APPROVE = "approve"  # the last signature that was needed
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    FINISH = "finish"
    RETRY = "retry"


STATUS_NAMES = {
    Status.DRAFT: "草稿", Status.CHECKED: "等审核", Status.APPROVED: "审核通过，等发送", Status.SENDING: "正在发",
    Status.PAUSED: "暂停了", Status.STOPPED: "已停止", Status.DONE: "发完了",
}  # fmt: skip
_MAY: dict[tuple[Status, Step], Status] = {
    (Status.DRAFT, Step.CHECK): Status.CHECKED,
    (Status.CHECKED, Step.EDIT): Status.DRAFT,
    (Status.CHECKED, Step.APPROVE): Status.APPROVED,
    (Status.CHECKED, Step.STOP): Status.STOPPED,
    (Status.APPROVED, Step.EDIT): Status.DRAFT,
    (Status.APPROVED, Step.START): Status.SENDING,
    (Status.APPROVED, Step.STOP): Status.STOPPED,
    (Status.SENDING, Step.PAUSE): Status.PAUSED,
    (Status.SENDING, Step.STOP): Status.STOPPED,
    (Status.SENDING, Step.FINISH): Status.DONE,
    (Status.PAUSED, Step.RESUME): Status.SENDING,
    (Status.PAUSED, Step.STOP): Status.STOPPED,
    (Status.DONE, Step.RETRY): Status.SENDING,
}


class NotNow(MingbaiError):
    """群发现在的状态做不了这一步，请刷新再看。"""


def after(status: Status, step: Step) -> Status:
    """The status that a step leads to. Raises NotNow."""
    try:
        return _MAY[status, step]
    except KeyError:
        raise NotNow from None


def steps_from(status: Status) -> set[Step]:
    return {step for before, step in _MAY if before == status}


def is_open(now: datetime) -> bool:
    """Whether texts may go out at an (aware) moment."""
    return OPENS <= now.astimezone(CHINA).time() < CLOSES


def closes_at(now: datetime) -> datetime:
    """The end of the window that ``now`` lies in, or of the next one."""
    start = now if is_open(now) else opens_next(now)
    return datetime.combine(start.astimezone(CHINA).date(), CLOSES, CHINA)


def opens_next(now: datetime) -> datetime:
    """``now`` if texts may go out, else the next opening: this morning or the next."""
    if is_open(now):
        return now
    local = now.astimezone(CHINA)
    day = local.date() if local.time() < OPENS else local.date() + timedelta(days=1)
    return datetime.combine(day, OPENS, CHINA)


def affordable(costs: Sequence[int], spent: int, budget: int) -> int:
    """How many of the next texts the budget pays for, in their order; costs, spent and budget in 1/1000 yuan."""
    for count, cost in enumerate(costs):
        spent += cost
        if spent > budget:
            return count
    return len(costs)


def yuan(li: int) -> str:
    """1/1000 yuan as people read it: «12.35元», rounded up so that nobody is surprised."""
    fen = -(-li // 10)
    return f"{fen // 100}.{fen % 100:02d}元"
