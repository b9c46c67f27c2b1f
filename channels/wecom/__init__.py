"""WeCom (企业微信): cadres get their alerts as cards, and say «I have seen it» or accept the case with a button.

A member's UserID is the username of their account at the desk.
"""

from __future__ import annotations

from channels.carrier import Channel, Means
from channels.wecom.carrier import WecomCarrier
from channels.wecom.client import WecomClient
from channels.wecom.routes import wecom_router
from channels.wecom.settings import CHANNEL, WecomSettings
from core.errors import ConfigurationError


def channel(means: Means) -> Channel:
    """Raises ConfigurationError where the app is not set, or our public address."""
    settings = WecomSettings()
    missing = settings.missing()
    if missing:
        raise ConfigurationError(f"the channel wecom needs {', '.join(missing)}")
    if not means.public_url:
        raise ConfigurationError("the channel wecom needs MINGBAI_PUBLIC_URL: its cards lead to the desk there")
    carrier = WecomCarrier(WecomClient(settings, means.database, means.vault), settings, means.public_url)
    return Channel("wecom", wecom_router(settings, means), {CHANNEL: carrier})
