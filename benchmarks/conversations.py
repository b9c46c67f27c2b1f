"""What the villagers of a benchmark write: the same messages for every side."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

from core.demo import COUNTY
from core.regions import load_regions
from knowledge_base.sheet import load_sheets
from service.artefacts import SHEETS, all_examples

REPORTS = 0.15  # of the conversations
KINDS = {"policy": 0.7, "chitchat": 0.2, "contact": 0.1}  # of the messages of the others
LONGEST = 6  # messages of a conversation
WISHES = ("我要报困难", "我想申报", "帮我报一下", "我要申报")  # stay as they are: with a name, ours takes them for the event
EVENTS = (
    "老公住院，花了{n}块，家里{m}口人",
    "老婆做手术欠了{n}块，{m}个娃读书",
    "我崽断了腿不能打工，{m}口人，借了{n}块",
    "山洪冲了{m}亩田，少收{n}块",
)
FAMILIES, GIVEN = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何林罗高", "建国秀英志明桂芳海生伟文春燕永强丽萍小兰玉梅金凤水木"


@dataclass(frozen=True)
class Conversation:
    """One sender and what he writes, in order."""

    sender: str
    texts: list[str]
    is_report: bool = False


class Villagers:
    """Makes conversations; but for the wish to report, no text comes twice. Two of the same seed make the same ones."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._seed = seed
        examples = all_examples()
        self._said = {
            "policy": [line for sheet in load_sheets(SHEETS) for section in sheet.sections for line in section.asked]
            + examples["ask_policy"],
            "chitchat": [line for name in ("greet", "thank", "goodbye", "ask_bot", "small_talk") for line in examples[name]],
            "contact": examples["ask_contact"],
        }
        self._names = self._all_names()
        self._numbers = itertools.count(self._random.randrange(10**7))
        self._places = _unambiguous_places()
        self._senders = itertools.count()

    def conversations(self, messages: int) -> list[Conversation]:
        """Conversations with so many messages in all."""
        made: list[Conversation] = []
        left = messages
        while left > 0:
            one = self._report() if left >= 4 and self._random.random() < REPORTS else self._questions(left)
            made.append(one)
            left -= len(one.texts)
        return made

    def long_one(self, messages: int) -> Conversation:
        """One conversation without reports."""
        return Conversation(self._sender(), [self._question() for _ in range(messages)])

    def _questions(self, at_most: int) -> Conversation:
        length = min(self._random.randint(1, LONGEST), at_most)
        return Conversation(self._sender(), [self._question() for _ in range(length)])

    def _question(self) -> str:
        kind = self._random.choices(list(KINDS), list(KINDS.values()))[0]
        text, name = self._random.choice(self._said[kind]), next(self._names)
        return f"{text}，我是{name}" if self._random.random() < 0.5 else f"我叫{name}，{text}"

    def _report(self) -> Conversation:
        event = self._random.choice(EVENTS).format(n=self._random.randint(3000, 90000), m=self._random.randint(2, 9))
        texts = [
            self._random.choice(WISHES),
            f"{event}，我是{next(self._names)}",
            f"{self._random.choice(self._places)}，{next(self._names)}家",
            f"138{next(self._numbers) % 10**8:08d}",
        ]
        return Conversation(self._sender(), texts, is_report=True)

    def _sender(self) -> str:
        return f"bench-{self._seed}-{next(self._senders)}"

    def _all_names(self) -> Iterator[str]:
        names = ["".join(parts) for parts in itertools.product(FAMILIES, GIVEN, GIVEN)]
        self._random.shuffle(names)
        return (f"{name}{turn or ''}" for turn in itertools.count() for name in names)


def _unambiguous_places() -> list[str]:
    """«Town, village» of the demo county, where the name says which."""
    regions = load_regions()
    spoken = [town.short + village.short for town in regions.children(COUNTY.code) for village in regions.children(town.code)]
    return [place for place in spoken if len(regions.find_villages(place, COUNTY.code)) == 1]
