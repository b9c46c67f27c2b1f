"""A Twilio of our own: REST, signed webhooks, and every way in which the real one may fail.

Strict where the real one is lenient: an unknown parameter is refused, so that a misspelt name shows.
"""

from __future__ import annotations

import asyncio
import base64
import random
import re
import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from twilio.request_validator import RequestValidator

ACCOUNT, TOKEN, SERVICE = "AC" + "0" * 32, "simulated-token", "MG" + "0" * 32
KNOWN = {
    "To", "From", "MessagingServiceSid", "Body", "StatusCallback", "ValidityPeriod", "ScheduleType", "SendAt", "SmartEncoded",
    "ProvideFeedback", "Attempt", "ContentSid", "ContentVariables", "ShortenUrls", "RiskCheck",
}  # fmt: skip
BOOLEANS = {"SmartEncoded", "ProvideFeedback", "ShortenUrls"}
# how a call may go wrong, and whether the message was taken all the same
FAULTS = {"429": False, "500": False, "500 taken": True, "timeout": False, "timeout taken": True, "disconnect taken": True}
FINALS = ("delivered", "undelivered", "failed", "")  # «»: no report ever
ERRORS = {"undelivered": "30003", "failed": "30008"}


@dataclass
class Taken:
    """A message that Twilio has."""

    sid: str
    to: str
    body: str
    callback: str
    created: datetime
    final: str
    status: str = "accepted"


@dataclass
class Behaviour:
    """How it behaves: chances of each fault, seconds a call takes and a report may be late, chances of odd reports."""

    faults: dict[str, float] = field(default_factory=dict)
    finals: dict[str, float] = field(default_factory=lambda: {"delivered": 1.0})
    refusals: dict[str, int] = field(default_factory=dict)  # by number: the error code
    latency_s: float = 0.0
    hang_s: float = 2.5
    late_s: float = 0.05
    twice: float = 0.0
    reordered: float = 0.0
    seed: int = 1


class TwilioSimulator:
    """``app`` is its REST API; ``webhook`` is where messages of villagers go."""

    def __init__(self, behaviour: Behaviour | None = None) -> None:
        self.behaviour = behaviour or Behaviour()
        self._random = random.Random(self.behaviour.seed)
        self.taken: dict[str, Taken] = {}
        self.by_callback: defaultdict[str, list[Taken]] = defaultdict(list)
        self.calls = 0
        self.refused_reports: list[int] = []
        self._validator = RequestValidator(TOKEN)
        self._reports: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(timeout=10)
        self.app = self._build()

    async def say(
        self, url: str, sender: str, text: str, *, sid: str | None = None, token: str = TOKEN, **more: str
    ) -> httpx.Response:
        """A villager's message to our webhook."""
        form = {
            "MessageSid": sid or f"SM{secrets.token_hex(16)}", "SmsSid": sid or "", "AccountSid": ACCOUNT, "From": sender,
            "MessagingServiceSid": SERVICE, "To": "+85230000000", "Body": text, "NumMedia": "0", "NumSegments": "1",
            "FromCountry": "HK", "ApiVersion": "2010-04-01", **more,
        }  # fmt: skip
        return await self.post(url, form, token=token)

    async def post(self, url: str, form: dict[str, str], *, token: str = TOKEN) -> httpx.Response:
        """A signed webhook."""
        signature = RequestValidator(token).compute_signature(url, form)
        return await self._client.post(url, data=form, headers={"X-Twilio-Signature": signature})

    async def quiet(self) -> None:
        """All reports are out."""
        while self._reports:
            await asyncio.wait(list(self._reports))

    async def close(self) -> None:
        for task in self._reports:
            task.cancel()
        await self._client.aclose()
        await asyncio.sleep(0.02)  # closed connections say goodbye in the loop's next turns

    # --- REST ---------------------------------------------------------------------------------------------------------

    def _build(self) -> FastAPI:
        app = FastAPI()

        @app.post("/2010-04-01/Accounts/{account}/Messages.json")
        async def create(account: str, request: Request) -> Response:
            self.calls += 1
            refused = self._authorised(account, request)
            if refused is not None:
                return refused
            form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
            await asyncio.sleep(self.behaviour.latency_s)
            refused = self._refused(form)
            return refused if refused is not None else await self._faulty(form)

        @app.get("/2010-04-01/Accounts/{account}/Messages.json")
        async def listed(account: str, request: Request) -> Response:
            refused = self._authorised(account, request)
            if refused is not None:
                return refused
            to = request.query_params.get("To")
            rows = [one for one in reversed(self.taken.values()) if to in (None, one.to)]
            return JSONResponse({"messages": [_listed(one) for one in rows[: int(request.query_params.get("PageSize", 50))]]})

        return app

    def _authorised(self, account: str, request: Request) -> Response | None:
        expected = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if request.headers.get("Authorization") != expected:
            return _error(20003, "Authenticate", 401)
        return None if account == ACCOUNT else _error(20404, "not found", 404)

    def _refused(self, form: dict[str, str]) -> Response | None:
        code = refusal(form)
        if code is None and form["To"] in self.behaviour.refusals:
            code = self.behaviour.refusals[form["To"]]
        return None if code is None else _error(code, "refused", 400)

    async def _faulty(self, form: dict[str, str]) -> Response:
        fault = self._drawn(self.behaviour.faults)
        if fault == "429":
            return _error(20429, "Too Many Requests", 429, {"Retry-After": "0"})
        if fault is None or FAULTS[fault]:
            taken = self._take(form)
            if fault is None:
                return JSONResponse(_listed(taken), 201)
        if fault.startswith("timeout"):
            await asyncio.sleep(self.behaviour.hang_s)
        if fault.startswith("disconnect"):
            return Response(b"{", 201, {"Content-Length": "500"})  # the server closes in the middle of its answer
        return Response("upstream error", 500)

    def _drawn(self, chances: dict[str, float]) -> str | None:
        throw = self._random.random()
        for name, chance in chances.items():
            throw -= chance
            if throw < 0:
                return name
        return None

    def _take(self, form: dict[str, str]) -> Taken:
        final = self._drawn(self.behaviour.finals) or ""
        now = datetime.now(timezone.utc)
        taken = Taken(f"SM{secrets.token_hex(16)}", form["To"], form["Body"], form.get("StatusCallback", ""), now, final)
        self.taken[taken.sid] = taken
        self.by_callback[taken.callback].append(taken)
        if taken.callback:
            task = asyncio.create_task(self._report(taken))
            self._reports.add(task)
            task.add_done_callback(self._reports.discard)
        return taken

    async def _report(self, taken: Taken) -> None:
        words = ["queued", "sent", *([taken.final] if taken.final else [])]
        if self._random.random() < self.behaviour.reordered:
            self._random.shuffle(words)
        if self._random.random() < self.behaviour.twice:
            words += [self._random.choice(words), words[-1]]
        for word in words:
            await asyncio.sleep(self._random.random() * self.behaviour.late_s)
            taken.status = word if taken.status not in FINALS[:3] else taken.status
            form = {
                "MessageSid": taken.sid, "SmsSid": taken.sid, "MessageStatus": word, "SmsStatus": word, "AccountSid": ACCOUNT,
                "To": taken.to, "From": "+85230000000", "ApiVersion": "2010-04-01",
            }  # fmt: skip
            if word in ERRORS:
                form["ErrorCode"] = ERRORS[word]
            try:
                response = await self.post(taken.callback, form)
            except httpx.HTTPError:
                continue  # our service is away; Twilio does not try again by default
            if response.status_code != 200:
                self.refused_reports.append(response.status_code)


def refusal(form: dict[str, str]) -> int | None:
    """The error code of a create call's form, or None where it is as it should be."""
    if set(form) - KNOWN:
        return 20001
    if not re.fullmatch(r"\+[1-9]\d{6,14}", form.get("To", "")):
        return 21211 if form.get("To") else 21604
    if ("From" in form) == ("MessagingServiceSid" in form):
        return 21603
    if "MessagingServiceSid" in form and not re.fullmatch(r"MG[0-9a-f]{32}", form["MessagingServiceSid"]):
        return 21701
    if not form.get("Body") and "ContentSid" not in form:
        return 21602
    if len(form.get("Body", "")) > 1600:
        return 21617
    callback = urlsplit(form.get("StatusCallback", "https://x"))
    if callback.scheme not in ("http", "https") or not callback.hostname or "_" in callback.hostname:
        return 21609
    if not re.fullmatch(r"\d+", form.get("ValidityPeriod", "1")) or not 1 <= int(form.get("ValidityPeriod", "1")) <= 36_000:
        return 21624
    if any(form.get(name, "true") not in ("true", "false") for name in BOOLEANS):
        return 20001
    return _schedule_refusal(form)


def _schedule_refusal(form: dict[str, str]) -> int | None:
    if ("SendAt" in form) != ("ScheduleType" in form) or form.get("ScheduleType", "fixed") != "fixed":
        return 35114
    if "SendAt" not in form:
        return None
    if "MessagingServiceSid" not in form:
        return 35118
    try:
        ahead = datetime.fromisoformat(form["SendAt"]) - datetime.now(timezone.utc)
    except (ValueError, TypeError):
        return 35114
    return None if timedelta(seconds=300) <= ahead <= timedelta(days=35) else 35115


def _listed(taken: Taken) -> dict[str, Any]:
    return {
        "sid": taken.sid, "status": taken.status, "to": taken.to, "body": taken.body, "num_segments": "0",
        "error_code": int(ERRORS[taken.status]) if taken.status in ERRORS else None, "error_message": None,
        "date_created": format_datetime(taken.created), "account_sid": ACCOUNT, "messaging_service_sid": SERVICE,
    }  # fmt: skip


def _error(code: int, message: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"code": code, "message": message, "more_info": "", "status": status}, status, headers)
