"""SMS through Twilio: out by its REST API and a Messaging Service, in and reports by its signed webhooks."""

from __future__ import annotations

from channels.carrier import Channel, Means
from channels.sms import CHANNEL
from channels.sms_twilio.carrier import TwilioCarrier
from channels.sms_twilio.errors import in_words
from channels.sms_twilio.routes import twilio_router
from channels.sms_twilio.settings import TwilioSettings
from core.errors import ConfigurationError


def channel(means: Means) -> Channel:
    """Raises ConfigurationError where an account or our own public address is not set."""
    settings = TwilioSettings()
    missing = settings.missing()
    if missing:
        raise ConfigurationError(f"the channel sms_twilio needs {', '.join(missing)}")
    if not means.public_url:
        raise ConfigurationError("the channel sms_twilio needs MINGBAI_PUBLIC_URL: Twilio signs and calls that address")
    carrier = TwilioCarrier(settings, means.public_url)
    return Channel("sms_twilio", twilio_router(settings, means), {CHANNEL: carrier}, in_words)
