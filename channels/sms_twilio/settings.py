"""Settings of the Twilio channel (prefix ``MINGBAI_TWILIO_``)."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class TwilioSettings(BaseSettings):
    """One account and the Messaging Service that chooses the sender."""

    model_config = SettingsConfigDict(env_prefix="MINGBAI_TWILIO_", frozen=True, extra="ignore")

    account_sid: str = Field(default="", description="the account, AC…")
    auth_token: SecretStr = Field(default=SecretStr(""), description="its primary token: calls, and signs webhooks")
    previous_auth_token: SecretStr = Field(default=SecretStr(""), description="the one before, while tokens are being changed")
    messaging_service_sid: str = Field(default="", description="the Messaging Service, MG…")
    base_url: str = Field(default="https://api.twilio.com", description="where the REST API is")
    timeout_s: float = Field(default=10, gt=0, description="how long a call may take")
    per_second: float = Field(default=10, gt=0, description="parts a second that the service's senders take together")
    validity_s: int = Field(default=14_400, ge=1, le=36_000, description="how long a message may wait at Twilio")
    mainland_assessment: str = Field(
        default="", description="the document by which the county allows numbers of mainland China (+86); without it none is sent"
    )

    def missing(self) -> list[str]:
        """The variables that have to be set and are not."""
        needed = {
            "MINGBAI_TWILIO_ACCOUNT_SID": self.account_sid,
            "MINGBAI_TWILIO_AUTH_TOKEN": self.auth_token.get_secret_value(),
            "MINGBAI_TWILIO_MESSAGING_SERVICE_SID": self.messaging_service_sid,
        }
        return [name for name, value in needed.items() if not value]

    @property
    def tokens(self) -> list[str]:
        """The tokens that a webhook may be signed with, the present one first."""
        both = (self.auth_token.get_secret_value(), self.previous_auth_token.get_secret_value())
        return [token for token in both if token]
