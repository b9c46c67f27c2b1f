"""What the service knows of a message before NLU: a button's meaning, a fixed word, an answer to its own question.

Rasa hears «/<intent>» for these, so that names, places and phone numbers told in answer to a question never enter it;
the fixed dialogue takes the same intents while Rasa is down.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from bot import reading
from bot.skills import Known, Skills
from bot.skills.precheck import CARRY, PREFIX
from bot.turn import Turn
from channels.message import Button, Inbound

# payloads «do:<intent>»; a child that is alone is danger of its own kind
DOABLE = {
    **{
        name: name
        for name in ("report_hardship", "ask_contact", "ask_status", "ask_human", "cancel", "urgent", "opt_out", "opt_in")
    },
    "child_alone": "urgent",
}
PREFIXES = {
    "section": "ask_section", "place": "inform", "more": "tell_more", "withdraw": "withdraw", "take_back": "withdraw",
    "status": "ask_status", "forgot": "ask_human",
}  # fmt: skip
SHORT = 4  # characters: what is longer, and no number, chooses no button
_REFERS_BACK = re.compile(r"^(那|就)?(刚才|刚刚|头先|上面|前面)(讲|说|问|那)?(的|个|样|件|条)?")
_LAST_FOUR = re.compile(r"\d{4}")
_OF_A_CASE = re.compile(r"编号|单号|号码|进度|查|怎么样|点样|到哪|尾号|后四位|末四位|结果|有没有|批|受理")


class Commands:
    """Reads what needs no classifier. ``offered`` gives the buttons of the newest answer of a conversation."""

    def __init__(self, skills: Skills, offered: Callable[[str], list[Button]]) -> None:
        self._skills, self._dialogue, self._offered = skills, skills.dialogue, offered

    def chosen(self, message: Inbound, text: str) -> Inbound:
        """The message as a tap on the button that it chooses in words («1», «第二个»); itself if it chooses none."""
        if message.payload or not (reading.is_choice(text) or 0 < len(text) <= SHORT):
            return message
        offered = self._offered(message.conversation)
        if _LAST_FOUR.fullmatch(text):
            asked = next((button.payload for button in offered if button.payload.startswith("forgot:")), "")
            return replace(message, payload=asked.replace("forgot:", "status:")) if asked else message
        button = reading.choice(text, offered)
        return message if button is None else replace(message, payload=button.payload)

    def intent(self, turn: Turn, known: Known) -> str | None:
        """The intent, or None where NLU has to say."""
        payload = turn.inbound.payload
        if turn.checks or payload.startswith(PREFIX):
            return "report_hardship" if payload == CARRY else "precheck"
        if payload:
            prefix, _, value = payload.partition(":")
            return DOABLE.get(value) if prefix == "do" else PREFIXES.get(prefix)
        if known.draft is not None or known.filed is not None:
            before = self._skills.report.took(turn.id)  # what it answered then need not be open any more
            if before is not None:
                return before
        text = turn.text
        if word := reading.opt_word(text):
            return word
        if known.draft is not None:
            return self._in_report(known, text)
        if known.filed is not None and self._dialogue.fits_further(known.filed, text):
            return "tell_more"
        return self._outside(turn)

    def _in_report(self, known: Known, text: str) -> str | None:
        assert known.draft is not None
        if reading.disagrees(text) or reading.withdraws(text):
            return "cancel"
        if self._dialogue.is_bare_wish(text):
            return "report_hardship"
        return "inform" if self._dialogue.fits(known.draft, text) or reading.adds(text) else None

    def _outside(self, turn: Turn) -> str | None:
        text = turn.text
        if reading.withdraws(text):
            return "withdraw"
        corrects = reading.correction(text) or reading.wrong_slot(text)
        if reading.adds(text) is not None or (corrects and self._skills.filed.has_open(turn.conversation)):
            return "tell_more"
        if self._asks_by_number(text):
            return "ask_status"
        if reading.refuses_own_news(text):
            return "opt_out"
        if turn.last and _REFERS_BACK.match(text) and len(text) <= 20:
            return "follow_up"
        if reading.accuses(text):
            return "complain"
        if reading.pleads(text):
            return "report_hardship"
        return "ask_contact" if self._dialogue.is_place(text) else None

    @staticmethod
    def _asks_by_number(text: str) -> bool:
        number = reading.find_case_number(text)
        if not number or len(text) > 40:
            return False
        rest = re.sub(r"[\d\s,，。.、+]+", "", text)
        return not rest or _OF_A_CASE.search(rest) is not None
