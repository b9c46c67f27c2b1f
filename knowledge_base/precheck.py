"""The pre-check (我家够不够条件): answers in, an outcome with its reasons out. It never says «you qualify».

It decides nothing: cadres check and the county decides. Whatever comes out, one may report all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import MingbaiError
from knowledge_base.condition import Value, holds
from knowledge_base.criteria import Criteria, Question, Rule

VERDICTS = {"likely": "很可能符合", "unsure": "说不准", "unlikely": "可能不符合"}
UNKNOWN = "unknown"  # how forms and buttons send «不知道»
Answers = Mapping[str, Value | None]  # None: «不知道»


class BadAnswer(MingbaiError):
    """这一题的回答看不懂，请再选一次。"""


@dataclass(frozen=True)
class Reason:
    """Why, by which clause of which year and source, and what a cadre will check."""

    text: str
    clause: str
    check: str
    year: int
    source: str


@dataclass(frozen=True)
class Outcome:
    """``verdict`` is a key of VERDICTS; ``unknown``: the questions that were answered with «不知道» or not at all."""

    verdict: str
    reasons: list[Reason]
    unknown: list[Question]


class PreCheck:
    """The criteria of one sheet with the figures that the county confirmed."""

    def __init__(self, criteria: Criteria, figures: Mapping[str, int]) -> None:
        self.criteria, self.figures = criteria, dict(figures)

    def next_question(self, answers: Answers) -> Question | None:
        """The first question that was not put yet; None when all were."""
        return next((question for question in self.criteria.questions if question.id not in answers), None)

    def outcome(self, answers: Answers) -> Outcome:
        """What the answers point to. Anything unknown, contradictory or not covered by a rule is «说不准»."""
        values: dict[str, Value] = {**self.figures, **{key: value for key, value in answers.items() if value is not None}}
        unknown = [question for question in self.criteria.questions if question.id not in values]
        results = [(rule, holds(rule.when, values)) for rule in self.criteria.rules]
        held = [rule for rule, result in results if result]
        pointed = {rule.points for rule in held}
        clear = not unknown and len(pointed) == 1 and all(result is not None for _, result in results)
        return Outcome(pointed.pop() if clear else "unsure", [self._reason(rule) for rule in held], unknown)

    def told(self, answers: Answers) -> list[tuple[str, str]]:
        """The questions that were put, each with its answer in words: what is carried into a report."""
        return [(q.text, spoken(q, answers[q.id])) for q in self.criteria.questions if q.id in answers]

    def _reason(self, rule: Rule) -> Reason:
        texts = (text.format(**self.figures) for text in (rule.reason, rule.clause, rule.check))
        reason, clause, check = texts
        return Reason(reason, clause, check, rule.year, "；".join(source.label for source in rule.sources))


def read_answer(question: Question, said: str) -> Value | None:
    """An answer as forms and buttons send it: yes, no, an option's id, digits, or UNKNOWN. Raises BadAnswer."""
    if said == UNKNOWN:
        return None
    if question.type == "yesno" and said in ("yes", "no"):
        return said == "yes"
    if question.type == "choice" and said in (question.options or {}):
        return said
    if question.type == "number" and said.isascii() and said.isdigit() and len(said) <= 12:
        return checked_number(question, int(said))
    raise BadAnswer


def checked_number(question: Question, number: int) -> int:
    """The number, if it lies within the question's bounds. Raises BadAnswer with the bounds."""
    if not question.least <= number <= question.most:
        raise BadAnswer(f"请写{question.least}到{question.most}之间的数（{question.unit}）。")
    return number


def spoken(question: Question, value: Value | None) -> str:
    """An answer in words."""
    if value is None:
        return "不知道"
    if question.type == "yesno":
        return "是" if value else "不是"
    if question.type == "choice":
        return (question.options or {})[str(value)]
    return f"{value}{question.unit}"
