"""What is likely before a text is read: most messages are questions, many are reports, and a follow-up needs something to follow.

The classifiers learn from examples in which all intents weigh the same, and see one text only: «几多钱» alone may be
anything. Right after an answer it most likely asks on about that; with nothing before it, it cannot. Runs under Python
3.10 too: Rasa's pipeline and the classifier without Rasa reckon alike.
"""

from __future__ import annotations

import re

FOLLOW_UP = "follow_up"
POINTS_BACK = re.compile(r"\W*(那|这|它|噉|咁|嗰|呢个|个个)")  # «那个电话…»: what is meant was said before
POINTING = 3.0  # how much likelier that makes it after an answer
# Times as likely as in the training data, where all intents weigh the same
AFTER_AN_ANSWER, WITHOUT_ONE = 6.0, 0.2
OFTEN = {"ask_policy": 2.0, "report_hardship": 1.5, "complain": 1.5}
TALE, TOLD = 80, {"report_hardship": 1.5, "complain": 1.5}  # characters: from here on a report is as likely as a question


def reweighed(confidences: dict[str, float], text: str, has_topic: bool) -> dict[str, float]:
    """Confidences by intent with the odds changed, most likely first; they keep their sum."""
    factor = AFTER_AN_ANSWER if has_topic else WITHOUT_ONE
    if has_topic and POINTS_BACK.match(text):
        factor *= POINTING
    factors = {**(OFTEN if len(text) < TALE else TOLD), FOLLOW_UP: factor}
    changed = {intent: value * factors.get(intent, 1.0) for intent, value in confidences.items()}
    total, now = sum(confidences.values()), sum(changed.values())
    scale = total / now if now else 1.0
    return dict(sorted(((intent, value * scale) for intent, value in changed.items()), key=lambda pair: -pair[1]))
