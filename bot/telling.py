"""Tells villagers what happened without their asking: a word of the domain becomes a notice in their conversation."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.skills.shared import Shared
from cadres.ladder import Word
from channels.journal import Journal


class Telling:
    """Fills the texts in and puts them into the journal, inside the transaction that they are news of."""

    def __init__(self, shared: Shared, journal: Journal) -> None:
        self._shared, self._journal = shared, journal

    def tell(self, session: Session, word: Word) -> str:
        """Gives what was said."""
        values = dict(word.values)
        if "office" in values:
            values["office"] = self._shared.regions.spoken(values["office"])
        said = self._shared.texts.say(word.name, contact=self._shared.whom_to_call(session, word.region), **values)
        self._journal.notify(word.conversation, said, session=session)
        return said
