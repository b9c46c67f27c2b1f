"""Villagers who write at random: what each says, and what must be true of each at the end."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MESSAGES = Path(__file__).parents[1] / "data" / "messages.jsonl"
EVENTS = (
    "我老公查出尿毒症，花光了积蓄，求政府帮帮我们家", "屋企俾大水冲咗，冇地方住，想报上去",
    "我家男人打工摔断了腿，没钱治，帮我报上去",
    "今年果全烂在地里，一分钱没收到，我要报困难",
)  # fmt: skip
PLACES = ("岑城镇探花村", "探花村", "岑溪市岑城镇探花村三组")
DANGERS = ("我不想活了，今晚就走", "老公又打我，拿着刀", "水淹到二楼了，出不去，快来人")
NOISE = ("😀😀", "/restart", "？", "嗯嗯" * 300, "../../etc/passwd", "' or 1=1 --", "你好")
TECHNICAL = ("Traceback", "None", "null", "rasa", "Rasa", "{", "}", "action_", "utter_", "http://127")
FIRST_BUBBLE = 80  # characters


@dataclass
class Villager:
    """One sender. ``say`` puts a message to the assistant; what came of it is kept for the end."""

    name: str
    say: Callable[..., dict[str, Any]]
    random: random.Random
    numbers: set[str] = field(default_factory=set)  # of routine cases, as told
    in_danger: set[str] = field(default_factory=set)  # numbers of urgent cases, as told
    phone: str = ""
    complaints: list[str] = field(default_factory=list)  # what was wrong with answers
    sent: int = 0

    def live(self) -> None:
        """A random life: some questions, perhaps a report with its twists, perhaps danger, and a look at the report."""
        for _ in range(self.random.randint(0, 2)):
            self._ask()
        if self.random.random() < 0.6:
            self._report()
        if self.random.random() < 0.15:
            self._cry()
        for _ in range(self.random.randint(0, 2)):
            self.random.choice((self._ask, self._make_noise))()
        self._look_at_the_report()

    def _report(self) -> None:
        self._tell(self.random.choice(EVENTS))
        leaves = self.random.random() < 0.2
        for step in (self._tell_place, self._tell_phone):
            for twist in self.random.sample((self._ask, self._make_noise, self._cry), self.random.choice((0, 0, 1, 1, 2))):
                if twist != self._cry or self.random.random() < 0.2:
                    twist()
            if leaves and self.random.random() < 0.5:
                self._tell("不报了")
                return
            step()
        if self.numbers and self.random.random() < 0.3:
            self._new_phone("电话写错了，是{}")

    def _tell_place(self) -> None:
        self._tell(self.random.choice(PLACES))

    def _tell_phone(self) -> None:
        self._new_phone(self.random.choice(("{}", "打我电话{}", "电话 {}")))

    def _new_phone(self, words: str) -> None:
        told = f"13{self.random.randrange(10**9):09d}"
        answer = self._tell(words.format(told))
        if answer["case"] and answer["case"]["urgency"] == "routine":
            self.phone = told

    def _ask(self) -> None:
        self._tell(self.random.choice(questions()))

    def _make_noise(self) -> None:
        self._tell(self.random.choice(NOISE))

    def _cry(self) -> None:
        answer = self._tell(self.random.choice(DANGERS))
        self._expect(answer["understood"]["kind"] == "urgent", "danger was not heard", answer)
        self._expect(answer["case"] is not None, "danger made no case", answer)

    def _look_at_the_report(self) -> None:
        answer = self._tell("我报的怎么样了")
        own = self.numbers | self.in_danger
        number = answer["case"] and answer["case"]["number"]
        self._expect(number in own if own else number is None, f"asked for {sorted(own)}", answer)

    def _tell(self, text: str) -> dict[str, Any]:
        self.sent += 1
        name = f"{self.name}-{self.sent}"
        answer = self.say(self.name, text, id=name)
        if self.random.random() < 0.1:  # the network was poor: the same message comes once more
            self._expect(self.say(self.name, text, id=name) == answer, "a retry got another answer", answer)
        if answer["case"]:
            kept = self.in_danger if answer["case"]["urgency"] == "urgent" else self.numbers
            kept.add(answer["case"]["number"])
        said = [reply["text"] for reply in answer["replies"]]
        self._expect(bool(said) and all(said), "nothing was said", answer)
        self._expect(not any(word in bubble for word in TECHNICAL for bubble in said), "technical words", answer)
        self._expect(len(said[0]) <= FIRST_BUBBLE if said else True, "the first bubble is long", answer)
        return answer

    def _expect(self, holds: bool, wrong: str, answer: dict[str, Any]) -> None:
        if not holds:
            self.complaints.append(f"{self.name}, message {self.sent}: {wrong}: {json.dumps(answer, ensure_ascii=False)[:400]}")


def questions() -> list[str]:
    """Policy questions that stand by themselves, of our own labelled set."""
    lines = [json.loads(line) for line in MESSAGES.read_text("utf-8").splitlines()]
    return [line["text"] for line in lines if line["kind"] == "policy" and not line.get("context")]
