"""People: whom to call, complaints, policy texts, small talk."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import reading
from bot.records import conversation_row, once
from bot.report import ReportDialogue
from bot.skills.answers import DOUBT_BELOW, Answers
from bot.skills.shared import Shared
from bot.turn import Turn
from cadres.complaint import above
from channels.message import Button, Reply
from core.accounts import Account
from core.county import contacts_for

TELLING = 5  # characters: what is shorter tells of nothing that could be looked into
ASKS_WHERE = re.compile(
    r"(去|到|在|打|找|向)(哪|边|什么|谁|哪个|乜|几号).{0,8}(投诉|举报|告|反映|电话)|(投诉|举报|反映).{0,6}(哪|怎么|电话|谁)|^我?(要|想)?(投诉|举报|告状)$"
)
OFFICES = {9: "镇里", 6: "县里"}  # who reads a complaint, by the digits of the place's code
# the levels that a complaint may name, by the digits of the code
LEVELS = (
    (6, re.compile(r"县(里|上|长|委|政府|干部|领导|局|民政|办)|市(里|领导|民政|政府)|[局厅]长")),
    (9, re.compile(r"(镇|乡)(里|上|长|政府|干部|领导|书记|民政|办)|街道|民政办|驻村领导|卫生院|派出所|信用社|学校|医院")),
)


class People:
    """What concerns people rather than policies."""

    def __init__(self, shared: Shared, answers: Answers, dialogue: ReportDialogue) -> None:
        self._shared, self._answers, self._dialogue = shared, answers, dialogue

    def chitchat(self, turn: Turn) -> list[Reply]:
        if self._answers.was_a_question(turn, DOUBT_BELOW):
            return self._answers.answer_policy(turn)
        name = turn.intent if turn.intent in self._shared.texts else "greet"
        return [Reply(self._shared.texts.say(name))]

    def contact(self, turn: Turn) -> list[Reply]:
        """The people of the place that the villager named, or of the village that the page knows."""
        if self._answers.asks_after_all(turn):
            return self._answers.answer_policy(turn)
        places = self._dialogue.places(turn.text)
        region = places[0].code if len(places) == 1 else turn.region
        with self._shared.database.begin() as session:
            if len(region) < 9:
                return [Reply(self._shared.texts.say("contact_where", contact=self._shared.whom_to_call(session, region)))]
            if len(region) == 12:
                conversation_row(session, turn.conversation).region = region
            people = "\n".join(f"{row.role} {row.name} {row.phone}" for row in contacts_for(session, region))
        return [Reply(self._shared.texts.say("contact", place=self._shared.regions.spoken(region), people=people))]

    def complaint(self, turn: Turn) -> list[Reply]:
        """Record a complaint for the level above the one complained of, and say where else one can go."""
        if self._answers.asks_after_all(turn):
            return self._answers.answer_policy(turn)
        rule = self._answers.rule_about(turn)
        if len(turn.text) < TELLING or ASKS_WHERE.search(turn.text):
            return [Reply(self._shared.texts.say("complaint_where")), *rule]

        def effect() -> dict[str, object]:
            about, to = self._complained_of(session, turn)
            if len(to) not in OFFICES:  # nobody here may read what is said of the county
                return {"to": to}
            complaint = self._shared.complaints.record(session, turn.conversation, about, to, turn.text)
            return {"id": complaint.id, "to": complaint.to_region}

        with self._shared.database.begin() as session:
            done = once(session, self._shared.vault, turn.id, "complaint", effect)
        office = OFFICES.get(len(str(done["to"])))
        if office is None:
            return [Reply(self._shared.texts.say("complaint_outside")), *rule]
        back = [Button("不交了，撤回投诉", f"take_back:{done['id']}")]
        told = Reply(self._shared.texts.say("complaint", office=office))
        return [told, *rule, Reply(self._shared.texts.say("complaint_more"), back)]

    def take_back(self, turn: Turn) -> list[Reply]:
        """Take a complaint back by its button."""
        told = turn.inbound.payload.removeprefix("take_back:")

        def effect() -> bool:
            is_id = told.isdecimal() and len(told) < 10
            return is_id and self._shared.complaints.take_back(session, turn.conversation, int(told))

        with self._shared.database.begin() as session:
            done = once(session, self._shared.vault, turn.id, "take_back", effect)
        return [Reply(self._shared.texts.say("complaint_taken_back" if done else "complaint_stays"))]

    def _complained_of(self, session: Session, turn: Turn) -> tuple[str, str]:
        """The place whose office a complaint is about, and the place above it whose cadres are to read it.

        It is about the highest level that it names, the village where it names none. Where we do not know which village
        or township it is, the complaint goes to the place that we do know.
        """
        places = self._dialogue.places(turn.text)
        place = places[0].code if len(places) == 1 else turn.region
        levels = [length for length, named in LEVELS if named.search(turn.text)]
        path = [place[:length] for length in (6, 9, 12) if length <= len(place)]
        names = select(Account.name, Account.region).where(Account.region.in_(path))
        levels += [len(region) for name, region in session.execute(names) if name.removesuffix("（示例）") in turn.text]
        level = min(levels, default=12)
        return (place[:level], above(place[:level])) if len(place) >= level else ("", place)

    def texts(self, turn: Turn) -> list[Reply]:
        """Remember whether the villager wants policy texts. Free words are confirmed first; news of one's own case goes on."""
        wanted = turn.intent == "opt_in"
        own_too = not wanted and reading.refuses_own_news(turn.text)
        certain = wanted or own_too or turn.inbound.payload == "do:opt_out" or reading.opt_word(turn.text) == "opt_out"
        if not certain:
            return [Reply(self._shared.texts.say("opt_out_sure"), [Button("确认退订", "do:opt_out")])]
        with self._shared.database.begin() as session:
            row = conversation_row(session, turn.conversation)
            row.texts_wanted = wanted
            row.notices_wanted = False if own_too else True if wanted else row.notices_wanted
            self._shared.consent(session, turn.conversation, wanted, turn.text)
        return [Reply(self._shared.texts.say("opt_out_all" if own_too else turn.intent))]
