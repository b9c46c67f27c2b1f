"""Settings of the WeCom channel (prefix ``MINGBAI_WECOM_``)."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from channels.envelope import key_of

CHANNEL = "wecom"


class WecomSettings(BaseSettings):
    """One self-built app of a corp."""

    model_config = SettingsConfigDict(env_prefix="MINGBAI_WECOM_", frozen=True, extra="ignore")

    corp_id: str = Field(default="", description="CorpID, ww…")
    agent_id: int = Field(default=0, ge=0, description="the app's AgentId")
    secret: SecretStr = Field(default=SecretStr(""), description="the app's Secret")
    token: SecretStr = Field(default=SecretStr(""), description="Token of the app's callback settings")
    aes_key: SecretStr = Field(default=SecretStr(""), description="EncodingAESKey of the same, 43 characters")
    clock_s: int = Field(default=300, ge=10, description="a push whose time is further away than this is refused")
    base_url: str = Field(default="https://qyapi.weixin.qq.com", description="where the API is")
    timeout_s: float = Field(default=8, gt=0, description="how long a call may take")
    per_second: float = Field(default=50, gt=0, description="messages a second")

    @field_validator("aes_key")
    @classmethod
    def _is_a_key(cls, given: SecretStr) -> SecretStr:
        if given.get_secret_value():
            key_of(given.get_secret_value())
        return given

    def missing(self) -> list[str]:
        """The variables that have to be set and are not."""
        needed = {
            "MINGBAI_WECOM_CORP_ID": self.corp_id, "MINGBAI_WECOM_AGENT_ID": self.agent_id,
            "MINGBAI_WECOM_SECRET": self.secret.get_secret_value(), "MINGBAI_WECOM_TOKEN": self.token.get_secret_value(),
            "MINGBAI_WECOM_AES_KEY": self.aes_key.get_secret_value(),
        }  # fmt: skip
        return [name for name, value in needed.items() if not value]

    @property
    def key(self) -> bytes:
        return key_of(self.aes_key.get_secret_value())
