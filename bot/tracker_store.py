"""A tracker store whose cost does not grow with the conversation. Runs under Python 3.10, inside Rasa.

Stock stores replay every event of a session for every message. This one keeps a snapshot a sender: the slots that
have a value, the active loop, and the events of the last turns. Villagers' words are not kept: no policy reads them,
and the service has them encrypted.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Dict, Iterable, List, Optional, Text

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_SESSION_START_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, BotUttered, Event, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

_TABLE = "create table if not exists trackers (sender text primary key, events text not null)"


class SnapshotTrackerStore(TrackerStore):
    """One row a sender in a SQLite file of its own."""

    def __init__(
        self,
        domain: Optional[Domain] = None,
        event_broker: Optional[EventBroker] = None,
        path: Text = "trackers.db",
        keep_turns: int = 2,  # the rules look at the last one
        **kwargs: Any,
    ) -> None:
        super().__init__(domain, event_broker, **kwargs)
        self._keep = int(keep_turns)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("pragma journal_mode=wal")
        # the service repairs what a crash of the machine loses here: drafts and reports live in its own database
        self._database.execute("pragma synchronous=normal")
        self._database.execute(_TABLE)

    async def save(self, tracker: DialogueStateTracker) -> None:
        await self.stream_events(tracker)
        rows = [_without_words(event.as_dict()) for event in self._snapshot(tracker)]
        self._database.execute(
            "insert or replace into trackers values (?, ?)", (tracker.sender_id, json.dumps(rows, ensure_ascii=False))
        )

    async def retrieve(self, sender_id: Text) -> Optional[DialogueStateTracker]:
        row = self._database.execute("select events from trackers where sender = ?", (sender_id,)).fetchone()
        if row is None:
            return None
        events = [event for event in map(Event.from_parameters, json.loads(row[0])) if event is not None]
        return DialogueStateTracker.from_events(sender_id, events, self.domain.slots)

    async def delete(self, sender_id: Text) -> None:
        self._database.execute("delete from trackers where sender = ?", (sender_id,))

    async def keys(self) -> Iterable[Text]:
        return [row[0] for row in self._database.execute("select sender from trackers")]

    def _snapshot(self, tracker: DialogueStateTracker) -> List[Event]:
        events = list(tracker.events)
        turns = [at for at, event in enumerate(events) if isinstance(event, UserUttered)]
        if len(turns) <= self._keep:
            return events
        cut = turns[-self._keep]
        before = DialogueStateTracker.from_events(tracker.sender_id, events[:cut], self.domain.slots)
        moment = events[cut].timestamp
        head: List[Event] = [ActionExecuted(ACTION_SESSION_START_NAME, timestamp=moment), SessionStarted(timestamp=moment)]
        head += [
            SlotSet(name, slot.value, timestamp=moment)
            for name, slot in before.slots.items()
            if slot.value is not None and slot.value != slot.initial_value
        ]
        if before.active_loop_name:
            head.append(ActiveLoop(before.active_loop_name, timestamp=moment))
        head.append(ActionExecuted(ACTION_LISTEN_NAME, timestamp=moment))
        return head + events[cut:]


def _without_words(event: Dict[Text, Any]) -> Dict[Text, Any]:
    if event["event"] == UserUttered.type_name:
        parsed = {key: event["parse_data"].get(key) for key in ("intent", "entities", "message_id")}
        return {**event, "text": "", "parse_data": {**parsed, "text": "", "metadata": {}}, "metadata": {}}
    if event["event"] == BotUttered.type_name:
        return {**event, "text": "", "data": {}}
    return event
