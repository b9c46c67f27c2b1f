"""Builds the objects of one service process out of the settings, in the order they need each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.intents import LightIntents
from bot.skills import Shared, Skills
from bot.skills.answers import ANSWER_FROM
from bot.telling import Telling
from bot.texts import Texts
from bot.turn import Turns
from bot.urgent import LEXICON, UrgentCheck
from cadres.alert import Alerts
from cadres.case import Cases
from cadres.complaint import Complaints
from cadres.handoff import Handoffs
from cadres.plan import load_plan, own_plan
from channels.journal import Journal
from core.county import County, load_county
from core.crypto import Vault
from core.database import Database
from core.errors import ConfigurationError
from core.outbox import Outbox
from core.regions import Regions, load_regions
from core.settings import Settings
from knowledge_base.encoder import Encoder
from knowledge_base.shelf import Shelf, Workshop
from outreach.consent import Consents
from service.artefacts import Artefacts, examples


@dataclass
class Parts:
    """Everything that stands before Rasa is asked anything."""

    settings: Settings
    artefacts: Artefacts
    database: Database
    vault: Vault
    regions: Regions
    county: County
    texts: Texts
    journal: Journal
    cases: Cases
    alerts: Alerts
    handoffs: Handoffs
    telling: Telling
    complaints: Complaints
    encoder: Encoder
    shelf: Shelf
    intents: LightIntents
    urgent: UrgentCheck
    turns: Turns
    skills: Skills

    def close(self) -> None:
        self.shelf.close()
        self.database.close()


def assemble(settings: Settings) -> Parts:
    """The parts of a prepared installation. Raises ConfigurationError when it was not set up."""
    artefacts = Artefacts(settings)
    database = Database(settings.sqlalchemy_url)
    database.upgrade()
    with database.read() as session:
        county = load_county(session)
    if county is None:
        raise ConfigurationError(f"no county is set up in {settings.data_dir}: run «mingbai prepare» first")
    vault = Vault.open(settings.data_dir)
    regions, texts, cases, turns = load_regions(), Texts(), _cases(settings, vault), Turns()
    encoder = Encoder(artefacts.encoder)
    workshop = Workshop(encoder, artefacts.encoder_key, examples("out_of_scope"), county.code, ANSWER_FROM)
    shelf = Shelf(database, workshop, settings.index_file)
    intents = LightIntents(artefacts.intents)
    alerts, handoffs = _clocks(settings)
    journal, complaints = Journal(database, vault), Complaints(vault)
    consents = Consents(vault, Outbox(database, vault))
    shared = Shared(
        database=database, vault=vault, regions=regions, county=county, texts=texts, cases=cases, alerts=alerts,
        handoffs=handoffs, complaints=complaints, searcher=shelf.searcher, forget=journal.forget,
        topic_life=timedelta(minutes=settings.topic_minutes),
        consent=lambda session, conversation, wanted, said: consents.said_in_conversation(
            session, conversation, wanted=wanted, said=said
        ),
    )  # fmt: skip
    return Parts(
        settings=settings, artefacts=artefacts, database=database, vault=vault, regions=regions, county=county, texts=texts,
        journal=journal, cases=cases, alerts=alerts, handoffs=handoffs, complaints=complaints,
        telling=Telling(shared, journal), encoder=encoder, shelf=shelf,
        intents=intents, urgent=UrgentCheck(LEXICON, intents, encoder), turns=turns, skills=Skills(shared),
    )  # fmt: skip


def _cases(settings: Settings, vault: Vault) -> Cases:
    """The cases, with the county's own steps where it has some. Raises ConfigurationError with what is wrong in them."""
    return Cases(vault, load_plan(settings.steps_file) if settings.steps_file.exists() else own_plan())


def _clocks(settings: Settings) -> tuple[Alerts, Handoffs]:
    """What waits for people, with the times of the settings."""
    alerts = Alerts(step=timedelta(seconds=settings.alert_step_s), per_source=settings.alerts_per_source)
    handoffs = Handoffs(
        climb=timedelta(seconds=settings.handoff_climb_s), silent=timedelta(seconds=settings.handoff_silent_s),
        idle=timedelta(seconds=settings.handoff_idle_s),
    )  # fmt: skip
    return alerts, handoffs
