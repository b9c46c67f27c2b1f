"""Danger to life: checked on every inbound text before anything else, with Rasa down too.

Two independent looks: a lexicon over the whole text (``urgent_lexicon.yml``, editable), and a classifier trained with
the NLU data (``mingbai train``) for what no list of wordings foresees: farewells, means at hand. Missing one is the
worst failure there is; crying wolf on everyday hyperbole is the second.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import yaml

from bot.intents import LightIntents
from knowledge_base.encoder import Encoder
from knowledge_base.text import has_words, normalise

LEXICON = Path(__file__).parent / "urgent_lexicon.yml"
HARMLESS = "harmless"
UNKNOWN = "unknown"  # danger, but of what kind the classifier cannot say
SMALL_TALK, CHATS_FROM = "small_talk", 0.93  # «I could eat a horse»: all intents together are this sure that it is talk
SAYS_LITTLE = 4  # characters that are left of a harmless phrase («我想死你们了»): they say nothing of their own
WINDOW = 120  # characters: the classifier looks at the head and the tail of a long text


class UrgentCheck:
    """Says whether a text speaks of danger to life, and of which kind."""

    def __init__(self, lexicon: Path, intents: LightIntents, encoder: Encoder) -> None:
        kinds: dict[str, list[str]] = yaml.safe_load(lexicon.read_text("utf-8"))
        self._harmless = re.compile("|".join(kinds.pop(HARMLESS)))
        self._kinds = {kind: re.compile("|".join(patterns)) for kind, patterns in kinds.items()}
        self._intents = intents
        self._encoder = encoder

    def by_words(self, text: str) -> str | None:
        """The kind of danger that a wording gives away, or None."""
        plain = self._without_harmless(text)
        return next((kind for kind, pattern in self._kinds.items() if pattern.search(plain)), None)

    def _without_harmless(self, text: str) -> str:
        """The text without blanks, and without what only sounds like danger."""
        said = re.sub(r"\s+", "", normalise(text)).replace("著", "着")  # OpenCC leaves «著火» as it is: 名著 is right
        return self._harmless.sub("", said)

    def check(self, text: str, vector: np.ndarray | None = None) -> str | None:
        """The kind of danger, ``unknown`` for one that only the classifier sees, or None.

        A text that is nothing but a harmless phrase («累死了», «临时救助») is not put to the classifier.
        ``vector`` is the encoder's vector of the normalised text, if the caller has it.
        """
        kind = self.by_words(text)
        rest = self._without_harmless(text)
        if kind is not None or not has_words(rest) or (len(rest) < SAYS_LITTLE and len(rest) < len(text)):
            return kind
        parts = [text] if len(text) <= WINDOW * 2 else [text[:WINDOW], text[-WINDOW:]]
        plain = [normalise(part) for part in parts]
        vectors = [self._encoder.question(part) for part in plain] if vector is None or len(parts) > 1 else [vector]
        alarmed = (self._alarms(part, seen) for part, seen in zip(plain, vectors, strict=True))
        return UNKNOWN if any(alarmed) else None

    def _alarms(self, text: str, vector: np.ndarray) -> bool:
        """Whether the classifier hears danger in a normalised text, and nothing says that it is everyday talk."""
        if self._intents.urgency(text, vector) < self._intents.urgent_from:
            return False
        intent, sure = self._intents.intent(text, vector)
        return intent != SMALL_TALK or sure < CHATS_FROM
