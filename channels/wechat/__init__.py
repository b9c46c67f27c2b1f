"""The WeChat official account (公众号): signed pushes in, passive replies out, the rest by customer-service messages."""

from __future__ import annotations

from channels.carrier import Channel, Means
from channels.wechat.carrier import WechatCarrier, in_words
from channels.wechat.client import WechatClient
from channels.wechat.followers import Followers
from channels.wechat.routes import wechat_router
from channels.wechat.settings import CHANNEL, WechatSettings
from core.errors import ConfigurationError


def channel(means: Means) -> Channel:
    """Raises ConfigurationError where the account is not set, or its key is none."""
    settings = WechatSettings()
    missing = settings.missing()
    if missing:
        raise ConfigurationError(f"the channel wechat needs {', '.join(missing)}")
    followers = Followers(means.database, means.outbox)
    router = wechat_router(settings, means, followers)
    if not settings.verified:  # passive replies only: what waits in the outbox is told when they write next
        return Channel("wechat", router)
    client = WechatClient(settings, means.database, means.vault)
    return Channel("wechat", router, {CHANNEL: WechatCarrier(client, followers, settings)}, in_words)
