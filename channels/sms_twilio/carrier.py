"""Hands messages to Twilio. The create call has no idempotency key: an answer that was lost is looked up, not repeated."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from channels.carrier import Capabilities
from channels.sms import is_mainland, number, text_of
from channels.sms_twilio.errors import result_of
from channels.sms_twilio.settings import TwilioSettings
from core.delivery import Outcome, Result
from core.outbox import Claimed

BODY_LIMIT = 1600  # characters
CONNECTIONS = 128
CLOCKS_DIFFER = timedelta(minutes=2)
WAIT_FOR_ADMIN = timedelta(minutes=5)
_TAKEN = ("accepted", "scheduled", "queued", "sending", "sent")
_ARRIVED = ("delivered", "read")


class TwilioCarrier:
    """One account. A number of mainland China is refused unless the county has recorded its assessment."""

    name = "sms_twilio"

    def __init__(self, settings: TwilioSettings, public_url: str) -> None:
        self.capabilities = Capabilities(
            two_way=True, free_text=True, links=True, reports=True, finds=True, parts=8, per_second=settings.per_second
        )
        self._settings, self._public_url = settings, public_url
        self._messages = f"{settings.base_url.rstrip('/')}/2010-04-01/Accounts/{settings.account_sid}/Messages.json"
        self._authorization = aiohttp.encode_basic_auth(settings.account_sid, settings.auth_token.get_secret_value())
        self._session: aiohttp.ClientSession | None = None

    async def send(self, message: Claimed) -> Outcome:
        to, body = number(message.to), text_of(message.content)
        if to is None:
            return Outcome(Result.FAILED, "21211")
        if is_mainland(to) and not self._settings.mainland_assessment:
            return Outcome(Result.FAILED, "mainland is off")
        if not body or len(body) > BODY_LIMIT:
            return Outcome(Result.FAILED, "21617" if body else "21602")
        form = {
            "To": to, "MessagingServiceSid": self._settings.messaging_service_sid, "Body": body,
            "StatusCallback": f"{self._public_url}/sms/twilio/status/{message.id}",
            "ValidityPeriod": str(self._settings.validity_s),
        }  # fmt: skip
        try:
            async with self._open().post(self._messages, data=form) as response:
                answer = await _json(response)
                return _outcome(response, answer)
        except aiohttp.ClientConnectorError:  # no connection, so nothing was handed over
            return Outcome(Result.WAIT, "no connection")
        except (aiohttp.ClientError, TimeoutError) as error:
            return Outcome(Result.UNKNOWN, type(error).__name__)

    async def find(self, message: Claimed) -> Outcome | None:
        """The message to the same number with the same words since the call. Not found is not known: never sent again."""
        to, body = number(message.to) or "", text_of(message.content)
        try:
            async with self._open().get(self._messages, params={"To": to, "PageSize": "100"}) as response:
                answer = await _json(response)
                if response.status != 200:
                    return None
        except (aiohttp.ClientError, TimeoutError):
            return None
        since = (message.claimed_at or message.created_at) - CLOCKS_DIFFER
        for listed in answer.get("messages", []):
            if listed.get("body") == body and _created(listed) >= since:
                return _state_of(listed)
        return Outcome(Result.UNKNOWN, "not found")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS), headers={"Authorization": self._authorization},
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s),
            )  # fmt: skip
        return self._session


async def _json(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """The body, or nothing where it is no JSON object: its status still says something."""
    try:
        found = await response.json(content_type=None)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _outcome(response: aiohttp.ClientResponse, answer: dict[str, Any]) -> Outcome:
    """What Twilio's answer to a create call means."""
    code = str(answer.get("code") or response.status)
    if response.status == 201 and answer.get("sid"):
        return _state_of(answer)
    if response.status == 429:  # never processed
        return Outcome(Result.WAIT, code, after=_retry_after(response))
    if 400 <= response.status < 500:
        result = result_of(code)
        if response.status in (401, 403) and code == str(response.status):
            result = Result.WAIT  # refused without a code: the account's fault, not the message's
        return Outcome(result, code, after=WAIT_FOR_ADMIN if result == Result.WAIT else None)
    return Outcome(Result.UNKNOWN, code)


def _state_of(listed: dict[str, Any]) -> Outcome:
    """A message of Twilio's as an outcome."""
    status, sid = listed.get("status"), str(listed.get("sid"))
    billed = str(listed.get("num_segments") or "")
    parts = int(billed) if billed.isdigit() and int(billed) else None  # 0 while the service chooses the sender
    if status in _TAKEN:
        return Outcome(Result.SENT, provider_id=sid, parts=parts)
    if status in _ARRIVED:
        return Outcome(Result.DELIVERED, provider_id=sid, parts=parts)
    return Outcome(Result.FAILED, str(listed.get("error_code") or status), provider_id=sid, parts=parts)


def _created(listed: dict[str, Any]) -> datetime:
    try:
        return parsedate_to_datetime(str(listed.get("date_created")))
    except ValueError:
        return datetime.min.replace(tzinfo=timezone.utc)


def _retry_after(response: aiohttp.ClientResponse) -> timedelta:
    asked = response.headers.get("Retry-After", "")
    return timedelta(seconds=min(int(asked), 3600)) if asked.isdigit() else timedelta(seconds=2)
