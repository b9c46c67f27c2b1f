"""What was said before changes the odds of what is said now: a follow-up needs something to follow.

The classifiers see one text only, and «几多钱» alone may be anything. Right after an answer it most likely asks on about
that; with nothing before it, it cannot. Runs under Python 3.10 too: Rasa's pipeline and the classifier without Rasa
reckon alike.
"""

from __future__ import annotations

import re

FOLLOW_UP = "follow_up"
POINTS_BACK = re.compile(r"\W*(那|这|它|噉|咁|嗰|呢个|个个)")  # «那个电话…»: what is meant was said before
POINTING = 3.0  # how much likelier that makes it after an answer
AFTER_AN_ANSWER, WITHOUT_ONE = 6.0, 0.2  # times as likely as in the training data, where all intents weigh the same


def reweighed(confidences: dict[str, float], text: str, has_topic: bool) -> dict[str, float]:
    """Confidences by intent with the odds of a follow-up changed, most likely first; they keep their sum."""
    factor = AFTER_AN_ANSWER if has_topic else WITHOUT_ONE
    if has_topic and POINTS_BACK.match(text):
        factor *= POINTING
    changed = {intent: value * (factor if intent == FOLLOW_UP else 1.0) for intent, value in confidences.items()}
    total, now = sum(confidences.values()), sum(changed.values())
    scale = total / now if now else 1.0
    return dict(sorted(((intent, value * scale) for intent, value in changed.items()), key=lambda pair: -pair[1]))
