"""People: whom to call, complaints, policy texts, the state of one's report, small talk."""

from __future__ import annotations

import re

from bot.records import conversation_row
from bot.skills.answers import DOUBT_BELOW, Answers
from bot.skills.shared import Shared, view_of
from bot.turn import Turn
from cadres.case import STATES
from channels.message import Reply
from core.county import contacts_for
from core.regions import Region

PLACE_WORDS = re.compile(r"[我们你的是在家住村镇乡屯市县组社区街道,，。.!！ 里上那边呢啊了个]")


class People:
    """What concerns people rather than policies."""

    def __init__(self, shared: Shared, answers: Answers) -> None:
        self._shared, self._answers = shared, answers

    def chitchat(self, turn: Turn) -> list[Reply]:
        if self._answers.was_a_question(turn, DOUBT_BELOW):
            return self._answers.answer_policy(turn)
        name = turn.intent if turn.intent in self._shared.texts else "greet"
        return [Reply(self._shared.texts.say(name))]

    def contact(self, turn: Turn) -> list[Reply]:
        """The people of the place that the villager named, or of the village that the page knows."""
        places = self._places(turn.text)
        region = places[0].code if len(places) == 1 else turn.region
        with self._shared.database.begin() as session:
            if len(region) < 9:
                return [Reply(self._shared.texts.say("contact_where", contact=self._shared.whom_to_call(session, region)))]
            if len(region) == 12:
                conversation_row(session, turn.conversation).region = region
            people = "\n".join(f"{row.role} {row.name} {row.phone}" for row in contacts_for(session, region))
        return [Reply(self._shared.texts.say("contact", place=self._shared.regions.spoken(region), people=people))]

    def is_place(self, text: str) -> bool:
        """Whether a text is nothing but a place of the county: an answer to «您是哪个村的»."""
        rest = text
        for region in self._places(text):
            for place in self._shared.regions.path(region.code):
                rest = rest.replace(place.short, "").replace(place.stem, "")
        return rest != text and not PLACE_WORDS.sub("", rest)

    def _places(self, text: str) -> list[Region]:
        """The villages that a text names, or else the townships."""
        villages = self._shared.regions.find_villages(text, self._shared.county.code)
        if len(villages) == 1:
            return villages
        towns = [town for town in self._shared.regions.children(self._shared.county.code) if town.stem in text]
        return towns if len(towns) == 1 else villages

    def complaint(self, turn: Turn) -> list[Reply]:
        """Where to complain, and the rule it is about if search knows it."""
        if self._answers.was_a_question(turn, DOUBT_BELOW):
            return self._answers.answer_policy(turn)
        return [Reply(self._shared.texts.say("complaint")), *self._answers.rule_about(turn)]

    def texts(self, turn: Turn) -> list[Reply]:
        """Remember whether the villager wants policy texts."""
        wanted = turn.intent == "opt_in"
        with self._shared.database.begin() as session:
            conversation_row(session, turn.conversation).texts_wanted = wanted
        return [Reply(self._shared.texts.say(turn.intent))]

    def status(self, turn: Turn) -> list[Reply]:
        """How the sender's own newest report stands."""
        with self._shared.database.begin() as session:
            cases = self._shared.cases.of_conversation(session, turn.conversation)
            call = self._shared.whom_to_call(session, cases[0].region if cases else turn.region)
            if cases:
                turn.case = view_of(cases[0])
                state = STATES[cases[0].state]
                return [Reply(self._shared.texts.say("status", number=cases[0].number, state=state, contact=call))]
            if conversation_row(session, turn.conversation).draft:
                return [Reply(self._shared.texts.say("status_draft"))]
            return [Reply(self._shared.texts.say("status_none", contact=call))]
