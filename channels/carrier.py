"""The contract of carriers and channels: what a leaf folder under ``channels`` has to offer (docs/channels.md).

A leaf is a package with a function ``channel(means) -> Channel``. The service opens those that the settings name, mounts
their routes and brings the outbox to their carriers. Nothing else knows a leaf.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from fastapi import APIRouter

from channels.journal import Journal
from channels.limit import Limiter
from channels.reception import Reception
from core.crypto import Vault
from core.database import Database
from core.delivery import Outcome
from core.errors import ConfigurationError
from core.outbox import Claimed, Outbox


@dataclass(frozen=True)
class Capabilities:
    """What a carrier can do. ``parts``: the most parts of one message; ``per_second``: parts it takes in a second;
    ``finds``: a message can be looked up there after its call's answer was lost."""

    two_way: bool
    free_text: bool  # else approved templates only
    links: bool
    reports: bool  # says later whether a message arrived
    finds: bool
    parts: int
    per_second: float = math.inf


class Carrier(Protocol):
    """Takes messages of the outbox, one call each."""

    name: str
    capabilities: Capabilities

    async def send(self, message: Claimed) -> Outcome:
        """Hand a message over. Never raises for what the message or the carrier may be like: the outcome says what is
        certain. ``unknown`` where the carrier may have it; ``wait`` where no message would fare better now."""

    async def find(self, message: Claimed) -> Outcome | None:
        """What the carrier knows of a message whose call's answer was lost: ``unknown`` if it knows nothing, None if it
        cannot be asked now."""

    async def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True)
class Means:
    """What a channel works with. ``public_url`` is the pages' address as the outside world opens it, empty if not set;
    ``clean`` makes a text safe to store; ``limiter`` counts by sender; ``village`` gives code and spoken name of the village
    that a QR code's scene names, if it does; ``act`` carries out a deed («seen», «accept») on a case by its number, for the
    cadre of a username, and raises MingbaiError with words for them where they may not."""

    database: Database
    vault: Vault
    journal: Journal
    reception: Reception
    outbox: Outbox
    limiter: Limiter
    clean: Callable[[str, int], str]
    village: Callable[[str], tuple[str, str] | None]
    act: Callable[[str, str, str], None]
    county_name: str
    public_url: str
    data_dir: Path
    demo: bool


@dataclass(frozen=True)
class Channel:
    """A channel that was opened: its routes, the carrier of each outbox channel that it serves, and how its carrier's codes
    are said to people (empty where it has no words for one)."""

    name: str
    router: APIRouter | None = None
    carriers: dict[str, Carrier] = field(default_factory=dict)
    in_words: Callable[[str], str] = lambda _: ""


def open_channel(name: str, means: Means) -> Channel:
    """Open the channel of a leaf folder by its name. Raises ConfigurationError."""
    if not name.isidentifier() or find_spec(f"channels.{name}") is None:
        raise ConfigurationError(f"there is no channel «{name}»: see MINGBAI_CHANNELS and the folders under channels/")
    module = import_module(f"channels.{name}")
    if not hasattr(module, "channel"):
        raise ConfigurationError(f"channels/{name} is no channel that can be opened")
    opened: Channel = module.channel(means)
    return opened


def open_channels(names: list[str], means: Means) -> list[Channel]:
    """Open several. Raises ConfigurationError, also where two would serve one outbox channel."""
    opened, served = [open_channel(name, means) for name in names], dict[str, str]()
    for channel in opened:
        for outbox_channel in channel.carriers:
            if outbox_channel in served:
                raise ConfigurationError(f"{served[outbox_channel]} and {channel.name} both serve «{outbox_channel}»: choose one")
            served[outbox_channel] = channel.name
    return opened
