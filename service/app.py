"""The public FastAPI app, and the life of everything behind it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.actions import executor_for
from bot.assistant import Assistant
from bot.client import RasaClient, RasaFailed
from bot.turn import Turn
from bot.unanswered import DeclinedQuestions
from bot.unfinished import UnfinishedReports
from cadres.deadlines import Deadlines
from channels.hearing import Hearing
from channels.limit import Limiter
from channels.message import Button, Inbound
from channels.reception import LEFT_FOR, Reception
from channels.recogniser import CommandRecogniser
from channels.web.api import Chat, chat_router
from channels.web.sender import Senders
from core import clock
from core.settings import Settings
from knowledge_base.text import clean
from service.action_server import action_app
from service.artefacts import RASA_PYTHON
from service.assembly import Parts, assemble
from service.channels import Channels
from service.deeds import Deeds
from service.desk_calls import DeskCalls
from service.outreach import Outreach
from service.supervisor import RasaSupervisor, free_port
from service.sweeper import Sweeper, notify_on_desk
from web.codes import codes_router
from web.desk import desk_router
from web.desk_audio import desk_audio_router
from web.desk_awareness import awareness_router
from web.desk_broadcasts import broadcasts_router
from web.desk_contacts import contacts_router
from web.desk_entry import entry_router
from web.desk_precheck import desk_precheck_router
from web.desk_reports import reports_router
from web.editing import editing_router
from web.letters import letters_router
from web.pages import add_error_pages, pages_router, static_files
from web.precheck import precheck_router
from web.questions import questions_router
from web.report_form import report_form_router
from web.sheets import sheets_router
from web.site import Site
from web.talks import talks_router
from web.village import village_router

log = structlog.get_logger()
PROBE = "readyz-probe"
FOLLOW_EVERY_S = 5.0
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class Service:
    """One running service: its parts, its Rasa, its action server."""

    def __init__(self, parts: Parts) -> None:
        settings = parts.settings
        self.parts = parts
        self.action_port, token = free_port(), secrets.token_hex(24)
        self.supervisor = RasaSupervisor(
            python=RASA_PYTHON, model=parts.artefacts.model, encoder=parts.artefacts.encoder, trackers=settings.trackers_file,
            action_url=f"http://127.0.0.1:{self.action_port}/webhook", action_token=token,
            log_file=settings.data_dir / "rasa.log",
        )  # fmt: skip
        self.rasa = RasaClient(self.supervisor.address, settings.turn_timeout_s)
        self.assistant = Assistant(
            skills=parts.skills, urgent=parts.urgent, intents=parts.intents, encoder=parts.encoder, turns=parts.turns,
            rasa=_ReadyRasa(self), offered=self._offered, regions=parts.regions, county=parts.county.code,
            at_once=settings.turns_at_once, text_limit=settings.text_limit,
        )  # fmt: skip
        recogniser = (
            CommandRecogniser(settings.recogniser, timeout_s=settings.recogniser_timeout_s) if settings.recogniser else None
        )
        self.hearing = Hearing(parts.journal, self.assistant.answer, recogniser, settings.recogniser_sure_from)
        self.reception = Reception(
            parts.journal, self.hearing.answer, is_urgent=lambda text: parts.urgent.check(text) is not None
        )
        self.chat = Chat(parts.journal, self.reception)
        self.channels = Channels(parts, self.reception)
        calls = DeskCalls(parts, self.channels.outbox, self.channels.serves)
        self.outreach = Outreach(parts, self.channels.outbox)
        self._sweeper = Sweeper(
            database=parts.database, alerts=parts.alerts, handoffs=parts.handoffs,
            deadlines=Deadlines(parts.cases), telling=parts.telling, notify=calls.notify(notify_on_desk), digest=calls.digest,
            forget=parts.skills.prechecks.sweep, every_s=settings.sweep_s,
        )  # fmt: skip
        self._actions = _QuietServer(
            uvicorn.Config(
                action_app(executor_for(parts.turns, parts.skills), token), host="127.0.0.1", port=self.action_port,
                log_level="warning", access_log=False, lifespan="off",
            )
        )  # fmt: skip

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        alone = self.parts.database.url.startswith("sqlite")  # else another process may be answering what is new
        # before anyone can come: they wait behind what a crash has left
        await self.reception.recover(clock.now() if alone else clock.now() - LEFT_FOR)
        serving = asyncio.create_task(self._actions.serve(), name="actions")
        self.supervisor.start()
        watching = asyncio.create_task(self.reception.watch(), name="reception")
        sweeping = asyncio.create_task(self._sweeper.run(), name="sweeper")
        following = asyncio.create_task(self._follow_publications(), name="publications")
        try:
            async with self.channels.delivering(), self.outreach.jobs.running():
                yield
        finally:
            watching.cancel()
            sweeping.cancel()
            following.cancel()
            await self.reception.close()
            await self.supervisor.stop()
            self._actions.should_exit = True
            await asyncio.gather(serving, watching, sweeping, following, return_exceptions=True)
            await self.rasa.close()
            self.parts.close()

    async def _follow_publications(self) -> None:
        """What another process published is served here too, a few seconds later."""
        while True:
            await asyncio.sleep(FOLLOW_EVERY_S)
            try:
                await asyncio.to_thread(self.parts.shelf.follow_others)
            except SQLAlchemyError as error:  # the database may be away for a while: what is open goes on answering
                log.warning("cannot see what is published", reason=type(error).__name__)

    def _offered(self, conversation: str) -> list[Button]:
        """The buttons that a digit may choose: of the newest answer, as long as its topic is remembered."""
        return self.parts.journal.buttons(conversation, clock.now() - self.parts.skills.topic_life)

    async def full_turn(self) -> bool:
        """Whether a whole turn through Rasa and its action succeeds now."""
        turn = Turn(Inbound(f"{PROBE}-{secrets.token_hex(6)}", PROBE, "你好"), "你好", self.parts.county.code)
        self.parts.turns.open(turn)
        try:
            return bool(await self.rasa.turn(PROBE, turn.id, "/greet", None))
        except RasaFailed:
            return False
        finally:
            self.parts.turns.close(turn)


class _SecurityHeaders:
    """Puts the same headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, with_headers)


class _ReadyRasa:
    """Rasa as the assistant sees it: it fails at once while the process is known to be down."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def turn(self, conversation: str, message_id: str, text: str, vector: Any, *, has_topic: bool = False) -> Any:
        if not self._service.supervisor.ready.is_set():
            raise RasaFailed("Rasa is not ready")
        return await self._service.rasa.turn(conversation, message_id, text, vector, has_topic=has_topic)


class _QuietServer(uvicorn.Server):
    """A uvicorn server inside another's process: signals are the outer one's business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def create_app(settings: Settings) -> FastAPI:
    """The app of a prepared installation. Raises ConfigurationError when it is not set up."""
    parts = assemble(settings)
    service = Service(parts)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = FastAPI(title="Mingbai", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.service = service
    signing_key = parts.vault.signing_key
    senders = Senders(signing_key, demo=parts.county.demo, secure=settings.secure_cookies)
    limiter, voice_limiter = (
        Limiter(each, settings.rate_loopback_per_minute, lambda text: parts.urgent.check(text) is not None)
        for each in (settings.rate_per_minute, settings.voice_per_minute)
    )
    app.include_router(chat_router(service.chat, parts.journal, senders, limiter, voice_limiter, clean))
    site = Site(
        county=parts.county, regions=parts.regions, database=parts.database, vault=parts.vault, journal=parts.journal,
        cases=parts.cases, complaints=parts.complaints, unfinished=UnfinishedReports(parts.vault, parts.cases),
        alerts=parts.alerts, handoffs=parts.handoffs, telling=parts.telling, searcher=parts.shelf.searcher, texts=parts.texts,
        settings=settings,
    )  # fmt: skip
    service.channels.deeds = Deeds(site).act
    for channel in service.channels.opened:
        if channel.router is not None:
            app.include_router(channel.router)
    app.include_router(pages_router(site, service.chat, senders, limiter, voice_limiter))
    app.include_router(sheets_router(site))
    app.include_router(village_router(site))
    app.include_router(codes_router(site))
    app.include_router(letters_router(site, service.channels.outbox, service.channels.in_words))
    app.include_router(
        report_form_router(
            site, service.chat, senders, parts.skills.form, limiter, lambda text: parts.urgent.check(text) is not None
        )
    )
    app.include_router(precheck_router(site, service.chat, senders, parts.skills.prechecks))
    app.include_router(entry_router(site))
    app.include_router(desk_router(site))
    app.include_router(desk_audio_router(site))
    app.include_router(desk_precheck_router(site))
    app.include_router(talks_router(site))
    app.include_router(reports_router(site))
    app.include_router(contacts_router(site, service.outreach.imports, service.outreach.jobs.take_in))
    app.include_router(awareness_router(site))
    app.include_router(broadcasts_router(site, service.outreach.broadcasts, service.channels.outbox))
    declined = DeclinedQuestions(parts.database, parts.vault, parts.regions, parts.county.code, parts.encoder)
    app.include_router(editing_router(site, parts.shelf))
    app.include_router(questions_router(site, parts.shelf, declined))
    app.mount("/static", static_files(), name="static")
    add_error_pages(app, site)
    _add_health(app, service)

    app.add_middleware(_SecurityHeaders)
    return app


def _add_health(app: FastAPI, service: Service) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz(full: int = 0) -> JSONResponse:
        """200: can answer, perhaps degraded. ``?full=1``: 200 only when a full turn through Rasa succeeds."""
        rasa = service.supervisor.ready.is_set()
        if full:
            rasa = rasa and await service.full_turn()
        body = {"status": "ready" if rasa else "degraded", "rasa": rasa, "rasa_restarts": service.supervisor.restarts}
        return JSONResponse(body, 200 if rasa or not full else 503)


def write_run_file(settings: Settings, port: int) -> None:
    """Note where this data directory's service listens, for «mingbai ask» and tests."""
    content = {"url": f"http://{settings.host}:{port}", "pid": os.getpid(), "started": time.time()}
    settings.run_file.write_text(json.dumps(content), "utf-8")
