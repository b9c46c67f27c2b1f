"""Puts ears before the assistant: a voice message becomes a text, or is marked as one that a person has to hear."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from channels.journal import Journal
from channels.message import Answer, Answerer, Inbound
from channels.recogniser import Recogniser, RecogniserFailed
from channels.voice import Heard

log = structlog.get_logger()


class Hearing:
    """An ``Answerer`` around another one. The transcript is kept beside the recording, which is in the journal already."""

    def __init__(self, journal: Journal, answer: Answerer, recogniser: Recogniser | None, sure_from: float) -> None:
        self._journal, self._answer, self._recogniser, self._sure_from = journal, answer, recogniser, sure_from

    async def answer(self, message: Inbound) -> Answer:
        """The answer to a journalled message, spoken or typed."""
        if not message.voice:
            return await self._answer(message)
        heard = await asyncio.to_thread(self._journal.transcript, message.id) or await self._hear(message)
        clear = heard is not None and heard.is_clear(self._sure_from)
        return await self._answer(replace(message, text=heard.text if heard else "", unclear=not clear))

    async def _hear(self, message: Inbound) -> Heard | None:
        if self._recogniser is None:
            return None
        audio = await asyncio.to_thread(self._journal.audio, message.conversation, message.id)
        try:
            heard = await self._recogniser.hear(audio)
        except RecogniserFailed as failure:  # a person listens instead
            log.warning("a voice message was not recognised", message_id=message.id, reason=str(failure))
            return None
        await asyncio.to_thread(self._journal.heard, message.id, heard)
        return heard
