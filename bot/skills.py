"""What the assistant can do with a turn. Rasa's actions call these; without Rasa the fixed dialogue does.

Each skill writes what it found into the turn and gives the bubbles to say. Effects are keyed by message and action.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.records import Conversation, Unanswered, conversation_row, once
from bot.report import Draft, ReportDialogue
from bot.texts import Texts
from bot.turn import Turn
from cadres.case import STATES, Case, Cases, Details
from channels.message import Button, CaseView, Reply, Source
from core import clock
from core.county import County, contacts_for
from core.crypto import Vault
from core.database import Database
from core.regions import Region, Regions
from knowledge_base.search import Hit, Result, Searcher
from knowledge_base.text import normalise

HOTLINE = "12345"
# How sure search must be (calibrated probability, docs/knowledge-base.md), by what NLU takes the message for
ANSWER_FROM = 0.12  # a policy question
ANSWER_FALLBACK_FROM = 0.4  # NLU cannot say
ANSWER_OUT_OF_SCOPE_FROM = 0.9  # a question that no sheet answers
# When NLU is less sure than this of something else, and search at least this sure, it was a question after all
DOUBT_BELOW, RESCUE_FROM = 0.62, 0.5
REPORT_DOUBT_BELOW = 0.55  # a report is never turned away lightly
# «…, can we be reported as a watched household?»: a question though a hardship is told before it
MAY_WE = re.compile(
    r"(能不能|可不可以|可以不可以|能否|算不算|是不是|够不够|符不符合|能|可以).{0,4}(报|算|评|进|当|吃|领|办|申请|纳入|享受)"
    r".{0,4}(监测|低保|特困|五保|补贴|补助|救助|医保|大病)"
)
PLACE_WORDS = re.compile(r"[我们你的是在家住村镇乡屯市县组社区街道,，。.!！ 里上那边呢啊了个]")
CITE_FROM = 0.9  # a complaint is answered with the rule it is about from here
SURE_FROM = 0.5  # below it we say that we are not certain what was asked
URGENT_FROM = 0.5  # NLU must be this sure of danger that neither lexicon nor classifier saw
CANCEL_FROM = 0.7  # NLU must be this sure before a report's draft is thrown away


@dataclass(frozen=True)
class Known:
    """What a conversation is about: the open report, the village it has named, the last question."""

    draft: Draft | None = None
    region: str | None = None
    last: str = ""


class Skills:
    """The skills of one county's assistant."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        regions: Regions,
        county: County,
        texts: Texts,
        cases: Cases,
        searcher: Callable[[], Searcher],
    ) -> None:
        self._database, self._vault, self._regions = database, vault, regions
        self._county, self._texts, self._cases = county, texts, cases
        self._searcher = searcher
        self.dialogue = ReportDialogue(regions, county.code)

    # --- questions ---------------------------------------------------------------------------------------------

    def answer_policy(self, turn: Turn) -> list[Reply]:
        """Answer from the sheets, or decline honestly."""
        result = self._find(turn)
        needed = {"out_of_scope": ANSWER_OUT_OF_SCOPE_FROM, "nlu_fallback": ANSWER_FALLBACK_FROM}.get(turn.intent, ANSWER_FROM)
        if turn.confidence < DOUBT_BELOW:
            needed = min(needed, RESCUE_FROM)
        if not result.hits or result.confidence < needed or result.missing:
            return self._decline(turn, result)
        if turn.intent != "follow_up":
            turn.kind = "policy"
        best = result.hits[0]
        turn.sources = [_source(hit) for hit in result.hits if hit.score >= best.score * 0.2]
        self._remember(turn, best)
        replies = [Reply(best.short)]
        if result.confidence < SURE_FROM:
            replies.insert(0, Reply(self._texts.say("unsure")))
        return [*replies, Reply(self._source_line(best), self._more(best, turn))]

    def show_section(self, turn: Turn) -> list[Reply]:
        """A section in full, asked for by button: payload ``section:<sheet>/<key>``."""
        sheet, _, key = turn.inbound.payload.removeprefix("section:").partition("/")
        hit = self._searcher().section(sheet, key, turn.region, clock.today())
        if hit is None:
            return [Reply(self._texts.say("section_gone"))]
        turn.sources, turn.confidence = [_source(hit)], 1.0
        self._remember(turn, hit)
        body = self._texts.say("section", title=hit.title, body=hit.body.replace("**", ""))
        return [Reply(body), Reply(self._source_line(hit), self._more(hit, turn))]

    def _find(self, turn: Turn) -> Result:
        """Search; a message that needs the one before it is searched together with that."""
        searcher, day = self._searcher(), clock.today()
        if turn.last and turn.intent == "follow_up":
            return searcher.search(turn.text, before=turn.last, region=turn.region, day=day)
        return searcher.search(turn.text, vector=turn.vector, region=turn.region, day=day)

    def _decline(self, turn: Turn, result: Result) -> list[Reply]:
        """Say so, whom to ask, and the nearest titles; the question is kept for the editor."""
        near = list({hit.sheet: hit for hit in result.hits}.values())[:2] if turn.intent != "out_of_scope" else []

        def effect() -> None:
            session.add(
                Unanswered(
                    region=turn.region, question=self._vault.seal(turn.text), at=clock.now(),
                    nearest=" ".join(hit.sheet for hit in near), confidence=result.confidence,
                )
            )  # fmt: skip

        with self._database.begin() as session:
            once(session, self._vault, turn.id, "unanswered", effect)
            call = self._call(session, turn.region)
            said = self._texts.say("no_sheet", topic=result.missing, contact=call) if result.missing else ""
            replies = [Reply(said or self._texts.say("unknown", contact=call))]
            if turn.intent == "ask_policy":
                # a follow-up to a declined question must not be answered from an older topic
                conversation_row(session, turn.conversation).last = self._vault.seal(turn.text)
        if near:
            buttons = [Button(hit.sheet_title, f"section:{hit.sheet}/{hit.key}") for hit in near]
            replies.append(Reply(self._texts.say("unknown_near"), buttons))
        return replies

    def _remember(self, turn: Turn, hit: Hit) -> None:
        """Keep what was talked about: the topic, and the question if it stood by itself."""
        said = turn.text if turn.intent == "ask_policy" else ""
        with self._database.begin() as session:
            row = conversation_row(session, turn.conversation)
            if said or not row.last:
                row.last = self._vault.seal(f"{hit.sheet_title} {said or hit.title}")

    def _source_line(self, hit: Hit) -> str:
        place = self._regions.get(hit.region)
        return self._texts.say(
            "source",
            title=hit.sheet_title,
            issuer=hit.issuer,
            place=place.name if place else hit.region,
            reviewed=hit.reviewed_on,
        )

    def _more(self, hit: Hit, turn: Turn) -> list[Button]:
        """The section in full (unless it was just shown), and the sheet's next two."""
        siblings = self._searcher().siblings(hit.sheet, turn.region, clock.today())
        wanted = [key for key in ("how", "materials", "eligibility", "time") if key != hit.key]
        others = sorted((other for other in siblings if other.key in wanted), key=lambda other: wanted.index(other.key))
        shown = turn.inbound.payload.startswith("section:")
        first = [] if shown else [Button("说详细点", f"section:{hit.sheet}/{hit.key}")]
        return first + [Button(other.title, f"section:{other.sheet}/{other.key}") for other in others[:2]]

    # --- people ------------------------------------------------------------------------------------------------

    def chitchat(self, turn: Turn) -> list[Reply]:
        if self._was_a_question(turn, DOUBT_BELOW):
            return self.answer_policy(turn)
        name = turn.intent if turn.intent in self._texts else "greet"
        return [Reply(self._texts.say(name))]

    def contact(self, turn: Turn) -> list[Reply]:
        """The people of the place that the villager named, or of the village that the page knows."""
        places = self._places(turn.text)
        region = places[0].code if len(places) == 1 else turn.region
        with self._database.begin() as session:
            if len(region) < 9:
                return [Reply(self._texts.say("contact_where", contact=self._call(session, region)))]
            if len(region) == 12:
                conversation_row(session, turn.conversation).region = region
            people = "\n".join(f"{row.role} {row.name} {row.phone}" for row in contacts_for(session, region))
        return [Reply(self._texts.say("contact", place=self._regions.spoken(region), people=people))]

    def is_place(self, text: str) -> bool:
        """Whether a text is nothing but a place of the county: an answer to «您是哪个村的»."""
        rest = text
        for region in self._places(text):
            for place in self._regions.path(region.code):
                rest = rest.replace(place.short, "").replace(place.stem, "")
        return rest != text and not PLACE_WORDS.sub("", rest)

    def _places(self, text: str) -> list[Region]:
        """The villages that a text names, or else the townships."""
        villages = self._regions.find_villages(text, self._county.code)
        if len(villages) == 1:
            return villages
        towns = [town for town in self._regions.children(self._county.code) if town.stem in text]
        return towns if len(towns) == 1 else villages

    def human(self, turn: Turn) -> list[Reply]:
        with self._database.read() as session:
            return [Reply(self._texts.say("human", contact=self._call(session, turn.region)))]

    def complaint(self, turn: Turn) -> list[Reply]:
        """Where to complain, and the rule it is about if search knows it."""
        if self._was_a_question(turn, DOUBT_BELOW):
            return self.answer_policy(turn)
        replies = [Reply(self._texts.say("complaint"))]
        result = self._find(turn)
        if result.hits and result.confidence >= CITE_FROM and not result.missing:
            best = result.hits[0]
            turn.sources = [_source(best)]
            replies.append(
                Reply(self._texts.say("complaint_rule", short=best.short, title=best.sheet_title), self._more(best, turn))
            )
        return replies

    def texts(self, turn: Turn) -> list[Reply]:
        """Remember whether the villager wants policy texts."""
        wanted = turn.intent == "opt_in"
        with self._database.begin() as session:
            conversation_row(session, turn.conversation).texts_wanted = wanted
        return [Reply(self._texts.say(turn.intent))]

    def status(self, turn: Turn) -> list[Reply]:
        """How the sender's own newest report stands."""
        with self._database.begin() as session:
            cases = self._cases.of_conversation(session, turn.conversation)
            call = self._call(session, cases[0].region if cases else turn.region)
            if cases:
                turn.case = _view(cases[0])
                state = STATES[cases[0].state]
                return [Reply(self._texts.say("status", number=cases[0].number, state=state, contact=call))]
            if conversation_row(session, turn.conversation).draft:
                return [Reply(self._texts.say("status_draft"))]
            return [Reply(self._texts.say("status_none", contact=call))]

    # --- danger ------------------------------------------------------------------------------------------------

    def urgent(self, turn: Turn, danger: str) -> list[Reply]:
        """The emergency numbers at once, and an urgent case with what is known; a sender's repeats join it."""

        def effect() -> dict[str, object]:
            case = self._cases.open_urgent(session, turn.conversation)
            joined = case is not None
            if case is None:
                details = Details(event=turn.text, place=self._place_name(turn.region))
                case = self._cases.open(
                    session, turn.conversation, turn.region, details, [("villager", turn.text)], danger=danger
                )
            else:
                self._cases.add_messages(session, case, [("villager", turn.text)])
                self._place_case(case, turn.text)
            return {"view": asdict(_view(case)), "joined": joined}

        with self._database.begin() as session:
            done = once(session, self._vault, turn.id, "urgent", effect)
            call = self._call(session, turn.region)
        turn.kind, turn.case = "urgent", CaseView(**done["view"])
        numbers = self._texts.say(f"urgent_{danger}", contact=call)
        follow = self._texts.say("urgent_joined" if done["joined"] else "urgent_case", number=turn.case.number)
        return [Reply(numbers), Reply(follow)]

    def perhaps_urgent(self, turn: Turn) -> list[Reply]:
        """NLU hears danger, the check of every message did not: act if NLU is sure, else answer and ask."""
        if turn.confidence >= URGENT_FROM or turn.inbound.payload == "do:urgent":
            return self.urgent(turn, "unknown")
        turn.intent = "nlu_fallback"
        return [*self.answer_policy(turn), Reply(self._texts.say("urgent_ask"), [Button("是，有危险", "do:urgent")])]

    def add_to_urgent(self, turn: Turn) -> list[Reply] | None:
        """A place told after the question «您现在在哪个村» belongs to the urgent case; None if there is none to join."""
        villages = self._regions.find_villages(turn.text, self._county.code)
        if len(villages) != 1 or len(turn.text) > 40:
            return None

        def effect() -> dict[str, object] | None:
            case = self._cases.open_urgent(session, turn.conversation)
            if case is None or len(case.region) == 12:
                return None
            self._cases.add_messages(session, case, [("villager", turn.text)])
            self._place_case(case, turn.text)
            return asdict(_view(case))

        with self._database.begin() as session:
            view = once(session, self._vault, turn.id, "urgent_place", effect)
        if view is None:
            return None
        turn.kind, turn.intent, turn.confidence, turn.case = "urgent", "inform", 1.0, CaseView(**view)
        return [Reply(self._texts.say("urgent_joined", number=turn.case.number))]

    def _place_case(self, case: Case, text: str) -> None:
        villages = self._regions.find_villages(text, self._county.code)
        if len(case.region) < 12 and len(villages) == 1:
            case.region = villages[0].code
            self._cases.change_details(case, place=self._regions.spoken(case.region))

    # --- the self-report ---------------------------------------------------------------------------------------

    def report_step(self, turn: Turn) -> tuple[Draft, list[Reply]]:
        """Begin the report or take the next answer; gives the draft as it stands and the next question, if any."""
        resumes = turn.inbound.payload.startswith("do:") or self.dialogue.is_bare_wish(turn.text)
        answers = not turn.interrupted and not resumes

        def effect() -> dict[str, object]:
            row = conversation_row(session, turn.conversation)
            starting = row.draft is None
            if row.draft is None:
                draft = self.dialogue.begin(turn.text, turn.region)
            else:
                draft = Draft.from_json(self._vault.unseal_json(row.draft))
                if turn.inbound.payload.startswith("place:"):
                    self.dialogue.choose_place(draft, turn.inbound.payload.removeprefix("place:"))
                elif answers:
                    self.dialogue.take(draft, turn.text)
            question = self.dialogue.ask(draft, counting=answers)
            row.draft = self._vault.seal_json(draft.as_json())
            return {"draft": draft.as_json(), "question": question, "starting": starting}

        with self._database.begin() as session:
            done = once(session, self._vault, turn.id, "report_step", effect)
        turn.kind = turn.kind if turn.interrupted else "report"
        draft = Draft.from_json(done["draft"])
        replies = [Reply(self._texts.say("report_start"))] if done["starting"] and not turn.interrupted else []
        if done["question"]:
            options = [Button(option.short, f"place:{option.code}") for option in self._options(draft)]
            replies.append(Reply(self._texts.say(done["question"]), options))
        return draft, replies

    def file_report(self, turn: Turn) -> list[Reply]:
        """Make the complete draft a case, and say its number, what comes next, and whom to call."""

        def effect() -> dict[str, object] | None:
            row = conversation_row(session, turn.conversation)
            if row.draft is None:
                return None
            draft = Draft.from_json(self._vault.unseal_json(row.draft))
            if draft.missing:
                return None
            details = Details(event=draft.event, place=draft.place, contact=draft.contact)
            said = [("villager", text) for text in draft.said]
            case = self._cases.open(session, turn.conversation, draft.region, details, said)
            row.draft, row.region = None, draft.region
            return {"view": asdict(_view(case)), "region": draft.region, "place": draft.place}

        with self._database.begin() as session:
            done = once(session, self._vault, turn.id, "file_report", effect)
            if done is None:
                return []
            call = self._call(session, done["region"])
        turn.kind, turn.case = "report", CaseView(**done["view"])
        filed = self._texts.say("report_filed", number=turn.case.number, place=done["place"])
        following = "report_next_accepted" if self._county.accepted_door else "report_next"
        return [Reply(filed), Reply(self._texts.say(following, contact=call))]

    def cancel_report(self, turn: Turn) -> list[Reply]:
        """Leave the report and keep nothing of it; when it is not certain that this was meant, ask first."""
        draft = self.known(turn.conversation).draft
        if draft is not None and turn.confidence < CANCEL_FROM:
            return self._cancel_or_not(turn)
        if draft is None and self._was_a_question(turn, doubt_below=1.0):
            return self.answer_policy(turn)

        def effect() -> bool:
            row = conversation_row(session, turn.conversation)
            had, row.draft = row.draft is not None, None
            return had

        with self._database.begin() as session:
            had = once(session, self._vault, turn.id, "cancel_report", effect)
        turn.kind = "report" if had else None
        return [Reply(self._texts.say("report_cancelled" if had else "nothing_to_cancel"))]

    def _cancel_or_not(self, turn: Turn) -> list[Reply]:
        """A question that sounds like leaving is answered; else the villager chooses."""
        if self.confidence(turn) >= ANSWER_FROM:
            turn.intent = "ask_policy"
            return self.answer_policy(turn)
        turn.kind = "report"
        choices = [Button("接着报", "do:report_hardship"), Button("不报了", "do:cancel")]
        return [Reply(self._texts.say("report_leave_sure"), choices)]

    # --- shared ------------------------------------------------------------------------------------------------

    def say(self, name: str) -> list[Reply]:
        return [Reply(self._texts.say(name))]

    def known(self, conversation: str) -> Known:
        """What a conversation is about so far."""
        columns = select(Conversation.region, Conversation.last, Conversation.draft).where(Conversation.key == conversation)
        with self._database.statement(writes=False) as connection:
            row = connection.execute(columns).one_or_none()
        if row is None:
            return Known()
        draft = Draft.from_json(self._vault.unseal_json(row.draft)) if row.draft else None
        return Known(draft, row.region, self._vault.unseal(row.last) if row.last else "")

    def starts_no_report(self, turn: Turn) -> bool:
        """Whether a message that NLU takes for a report asks, of itself, whether a policy covers it."""
        asks = MAY_WE.search(normalise(turn.text)) is not None
        return self._was_a_question(turn, 2.0 if asks else REPORT_DOUBT_BELOW)

    def answer_and_offer(self, turn: Turn) -> list[Reply]:
        """Answer what may have been a report, and offer to take it."""
        offer = Reply(self._texts.say("report_offer"), [Button("我要报困难", "do:report_hardship")])
        return [*self.answer_policy(turn), offer]

    def _was_a_question(self, turn: Turn, doubt_below: float) -> bool:
        if turn.confidence >= doubt_below or not turn.text or turn.inbound.payload:
            return False
        return self.confidence(turn) >= RESCUE_FROM

    def confidence(self, turn: Turn) -> float:
        """How sure search is that a sheet answers a turn's text."""
        return self._searcher().search(turn.text, vector=turn.vector, region=turn.region, day=clock.today()).confidence

    def _options(self, draft: Draft) -> list[Region]:
        return self.dialogue.options(draft) if draft.missing == "place" else []

    def _place_name(self, code: str) -> str:
        return self._regions.spoken(code)

    def _call(self, session: Session, region: str) -> str:
        """Whom to call for a place, as one says it; the hotline where nobody is listed."""
        people = contacts_for(session, region)
        return f"{people[0].role}{people[0].name} {people[0].phone}" if people else HOTLINE


def _source(hit: Hit) -> Source:
    return Source(hit.sheet, hit.key, hit.title, hit.score, hit.url)


def _view(case: Case) -> CaseView:
    return CaseView(case.number, case.urgency, STATES[case.state])
