"""A person instead of the bot: asked for, listening to what nobody understood, or speaking right now."""

from __future__ import annotations

from bot.records import once
from bot.skills.danger import Danger
from bot.skills.shared import Shared
from bot.turn import Turn
from bot.urgent import UNKNOWN
from channels.message import Reply

BACK = frozenset({"找明白", "我找明白", "接着问明白"})  # said exactly so, it calls the bot back; there may be no button
BACK_PAYLOAD = "do:bot"


class InPerson:
    """Hands a conversation over and keeps the bot silent while a cadre holds it."""

    def __init__(self, shared: Shared, danger: Danger) -> None:
        self._shared, self._danger = shared, danger

    def ask(self, turn: Turn) -> list[Reply]:
        """The villager wants a person: the request goes to the desk; the number to call is said at once."""
        reach, call = self._request(turn, voice=False)
        if reach is None:
            return [Reply(self._shared.texts.say("human", contact=call))]
        asked = self._shared.texts.say("handoff_asked", office=self._shared.regions.spoken(reach), contact=call)
        return [Reply(asked), Reply(self._shared.texts.say("handoff_note"))]

    def unheard(self, turn: Turn) -> list[Reply]:
        """A voice message that was not understood: a person will listen to it."""
        reach, call = self._request(turn, voice=True)
        _for_a_person(turn)
        if reach is None:
            return [Reply(self._shared.texts.say("voice_no_person", contact=call))]
        asked = self._shared.texts.say("voice_person", office=self._shared.regions.spoken(reach), contact=call)
        return [Reply(asked), Reply(self._shared.texts.say("voice_danger"))]

    def listens(self, turn: Turn) -> list[Reply] | None:
        """A message to the cadre who holds the conversation: the bot says nothing. None where nobody holds it."""
        with self._shared.database.begin() as session:
            handoff = self._shared.handoffs.of_conversation(session, turn.conversation)
            if handoff is None or handoff.state != "held":
                return None
            self._shared.handoffs.heard(handoff)
            if turn.inbound.unclear:
                self._shared.handoffs.request(session, turn.conversation, turn.region, turn.id, voice=True)
        if turn.inbound.payload == "do:urgent":
            turn.intent, turn.confidence = "urgent", 1.0
            return self._danger.urgent(turn, UNKNOWN)
        _for_a_person(turn)
        return []

    def wants_bot(self, turn: Turn) -> bool:
        """Whether a message calls the bot back."""
        return turn.inbound.payload == BACK_PAYLOAD or turn.text.strip(" 。.!！") in BACK

    def back(self, turn: Turn) -> list[Reply]:
        """The villager wants the bot back, whether somebody came or not."""
        with self._shared.database.begin() as session:
            handoff = self._shared.handoffs.of_conversation(session, turn.conversation)
            if handoff is not None:
                self._shared.handoffs.leave(handoff)
        _for_a_person(turn)
        return [Reply(self._shared.texts.say("handoff_left"))]

    def _request(self, turn: Turn, *, voice: bool) -> tuple[str | None, str]:
        """The place whose people are asked now (None: nobody), and whom to call."""

        def effect() -> str | None:
            handoff = self._shared.handoffs.request(session, turn.conversation, turn.region, turn.id, voice=voice)
            return handoff.reach if handoff else None

        with self._shared.database.begin() as session:
            reach = once(session, self._shared.vault, turn.id, "voice" if voice else "handoff", effect)
            return reach, self._shared.whom_to_call(session, turn.region)


def _for_a_person(turn: Turn) -> None:
    """The turn was about a person, unless it was about danger."""
    if turn.kind is None:
        turn.kind, turn.intent, turn.confidence = "human", "ask_human", 1.0
