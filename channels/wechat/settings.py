"""Settings of the WeChat channel (prefix ``MINGBAI_WECHAT_``)."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from channels.envelope import key_of

CHANNEL = "wechat"


class WechatSettings(BaseSettings):
    """One official account. Quotas are the platform's and may change."""

    model_config = SettingsConfigDict(env_prefix="MINGBAI_WECHAT_", frozen=True, extra="ignore")

    app_id: str = Field(default="", description="AppID, wx…")
    app_secret: SecretStr = Field(default=SecretStr(""), description="AppSecret; a verified account needs it")
    token: SecretStr = Field(default=SecretStr(""), description="the token of the server settings: signs every push")
    aes_key: SecretStr = Field(
        default=SecretStr(""), description="EncodingAESKey, 43 characters; with it only sealed pushes are taken"
    )
    previous_aes_key: SecretStr = Field(default=SecretStr(""), description="the one before, while keys are being changed")
    verified: bool = Field(default=False, description="the account may send customer-service messages")
    passive_s: float = Field(default=4.0, gt=0, lt=4.5, description="a passive reply leaves after this at the latest")
    clock_s: int = Field(default=300, ge=10, description="a push whose time is further away than this is refused")
    quota: int = Field(default=5, ge=1, description="customer-service messages after each message of a villager")
    window_h: int = Field(default=48, ge=1, description="hours after it in which they may be sent")
    base_url: str = Field(default="https://api.weixin.qq.com", description="where the API is")
    timeout_s: float = Field(default=8, gt=0, description="how long a call may take")

    @field_validator("aes_key", "previous_aes_key")
    @classmethod
    def _is_akey_of(cls, given: SecretStr) -> SecretStr:
        if given.get_secret_value():
            key_of(given.get_secret_value())
        return given

    def missing(self) -> list[str]:
        """The variables that have to be set and are not."""
        needed = {"MINGBAI_WECHAT_TOKEN": self.token.get_secret_value(), "MINGBAI_WECHAT_APP_ID": self.app_id}
        if self.verified:
            needed["MINGBAI_WECHAT_APP_SECRET"] = self.app_secret.get_secret_value()
        return [name for name, value in needed.items() if not value]

    @property
    def keys(self) -> list[bytes]:
        """The keys that a push may be sealed with, the present one first; none in plain mode."""
        both = (self.aes_key.get_secret_value(), self.previous_aes_key.get_secret_value())
        return [key_of(each) for each in both if each]
