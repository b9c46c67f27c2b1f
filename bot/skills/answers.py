"""Questions: answered from the sheets with their source, or declined honestly."""

from __future__ import annotations

import re
from dataclasses import replace

from bot import reading
from bot.records import Unanswered, conversation_row, once
from bot.skills.precheck import PreChecks
from bot.skills.shared import Shared
from bot.texts import Texts
from bot.turn import Turn
from channels.message import Button, Reply, Source
from core import clock
from core.regions import Regions
from knowledge_base.recording import playable
from knowledge_base.search import Hit, Result
from knowledge_base.source import basis_of
from knowledge_base.text import normalise

# How sure search must be (calibrated probability, docs/knowledge-base.md), by what NLU takes the message for and how sure it is
# of that: (at a half, more for each point above, least, most)
POLICY = (0.28, -0.45, 0.08, 0.28)  # a policy question: NLU vouches for it, and most questions are ours
OUT_OF_SCOPE = (0.35, 1.5, 0.35, 0.9)  # a question that no sheet answers: NLU speaks against it
ANSWER_FROM = 0.15  # anything else
ANSWER_FALLBACK_FROM = 0.35  # NLU cannot say
# When NLU is less sure than this of something else, and search at least this sure, it was a question after all
DOUBT_BELOW, RESCUE_FROM = 0.62, 0.5
HARDLY, ASKED_FROM = 0.4, 0.7  # the same where NLU hears a wish or a complaint: it hardly hears it, or the message asks
REPORT_DOUBT_BELOW, REPORT_ASKED_FROM = 0.8, 0.6  # the same for reports, which are never turned away unless they ask
TALE = 60  # characters: who tells that much reports, though it ends in a question
# a report may end in a helpless question, and a complaint names itself
HELPLESS = re.compile(r"怎么办|怎样办|咋办|点算|点办|样般|[帮求救]")
ACCUSES = re.compile(r"投诉|举报|告状|告他|反映")
# «…, can we be reported as a watched household?»: a question though a hardship is told before it
MAY_WE = re.compile(
    r"(能不能|可不可以|可以不可以|能否|算不算|是不是|够不够|符不符合|能|可以).{0,4}(报|算|评|进|当|吃|领|办|申请|纳入|享受)"
    r".{0,4}(监测|低保|特困|五保|补贴|补助|救助|医保|大病)"
)
PERHAPS_OURS = 0.15  # a declined question is remembered from here: «and which papers» may follow
CITE_FROM = 0.9  # a complaint is answered with the rule it is about from here
SURE_FROM = 0.5  # below it we say that we are not certain what was asked


class Answers:
    """Questions, follow-ups and sections by button."""

    def __init__(self, shared: Shared, prechecks: PreChecks) -> None:
        self._shared, self._prechecks = shared, prechecks

    def answer_policy(self, turn: Turn) -> list[Reply]:
        """Answer from the sheets, or decline honestly."""
        result = self._find(turn)
        if result.confidence < needed(turn) or result.missing or not (result.hits or result.coming):
            if turn.intent == "follow_up" and not turn.last:
                return [Reply(self._shared.texts.say("which_topic"))]
            return self._decline(turn, result)
        if turn.intent != "follow_up":
            turn.kind = "policy"
        replies = self._announced(turn, result) or self._answered(turn, result)
        if result.confidence < SURE_FROM:
            replies.insert(0, Reply(self._shared.texts.say("unsure")))
        return replies

    def _answered(self, turn: Turn, result: Result) -> list[Reply]:
        """The best section's short answer and its source; a question in two parts gets both."""
        best, second = result.hits[0], result.second
        others = [source_of(hit) for hit in result.hits[1:] if hit.score >= best.score * 0.2 or hit == second]
        turn.sources = [self._told(turn, best), *others]
        replies = [Reply(best.short)]
        if second is not None:
            replies += [Reply(self._source_line(best)), Reply(second.short)]
        if result.coming is not None:
            since = spoken_day(result.coming.effective_from)
            replies.append(Reply(self._shared.texts.say("coming", since=since, short=result.coming.short)))
        last = second or best
        return [*replies, Reply(self._source_line(last), self._more(last, turn))]

    def _announced(self, turn: Turn, result: Result) -> list[Reply]:
        """What is asked about and is not in force yet is announced with its day, never told as if it held."""
        coming = result.coming
        if coming is None or (result.hits and coming.name == result.hits[0].name):
            return []
        turn.sources = [source_of(coming)]
        said = self._shared.texts.say("coming_only", since=spoken_day(coming.effective_from), short=coming.short)
        return [Reply(said), Reply(self._source_line(coming))]

    def show_section(self, turn: Turn) -> list[Reply]:
        """A section in full, asked for by button: payload ``section:<sheet>/<key>``."""
        sheet, _, key = turn.inbound.payload.removeprefix("section:").partition("/")
        hit = self._shared.searcher().section(sheet, key, turn.region, clock.today())
        if hit is None:
            return [Reply(self._shared.texts.say("section_gone"))]
        turn.sources, turn.confidence = [self._told(turn, hit)], 1.0
        body = self._shared.texts.say("section", title=hit.title, body=hit.body.replace("**", ""))
        return [Reply(body), Reply(self._source_line(hit), self._more(hit, turn))]

    def rule_about(self, turn: Turn) -> list[Reply]:
        """The rule that a complaint is about, if search knows it."""
        result = self._find(turn)
        if not result.hits or result.confidence < CITE_FROM or result.missing:
            return []
        best = result.hits[0]
        turn.sources = [source_of(best)]
        said = self._shared.texts.say("complaint_rule", short=best.short, title=best.sheet_title)
        return [Reply(said, self._more(best, turn))]

    def _find(self, turn: Turn) -> Result:
        """Search; a message that needs the one before it is searched together with that."""
        searcher, day = self._shared.searcher(), clock.today()
        if turn.intent == "follow_up" and (before := turn.last or self._reported(turn)):
            return searcher.search(turn.text, before=before, region=turn.region, day=day)
        return searcher.search(turn.text, vector=turn.vector, region=turn.region, day=day)

    def _reported(self, turn: Turn) -> str:
        """What an open report tells, for a question that has nothing else to follow («那找谁报»)."""
        draft = self._shared.known(turn.conversation).draft
        return draft.event if draft is not None else ""

    def _decline(self, turn: Turn, result: Result) -> list[Reply]:
        """Say so, whom to ask, and the nearest titles; the question is kept for the editor."""
        near = list({hit.sheet: hit for hit in result.hits}.values())[:2]
        if turn.intent == "ask_policy" and not result.missing:
            turn.kind = "oos"  # a question it is, but of none of the sheets

        def effect() -> None:
            session.add(
                Unanswered(
                    region=turn.region, question=self._shared.vault.seal(turn.text), at=clock.now(),
                    nearest=" ".join(hit.sheet for hit in near), confidence=result.confidence,
                )
            )  # fmt: skip

        with self._shared.database.begin() as session:
            once(session, self._shared.vault, turn.id, "unanswered", effect)
            call = self._shared.whom_to_call(session, turn.region)
            said = self._shared.texts.say("no_sheet", topic=result.missing, contact=call) if result.missing else ""
            replies = [Reply(said or self._shared.texts.say("unknown", contact=call))]
            if turn.intent == "ask_policy" or (turn.intent == "out_of_scope" and result.confidence >= PERHAPS_OURS):
                # a follow-up to a declined question must not be answered from an older topic
                row = conversation_row(session, turn.conversation)
                row.last, row.last_at = self._shared.vault.seal(turn.text), clock.now()
        if near:
            buttons = [Button(hit.sheet_title, f"section:{hit.sheet}/{hit.key}") for hit in near]
            replies.append(Reply(self._shared.texts.say("unknown_near"), [*buttons, Button("找干部", "do:ask_human")]))
        return replies

    def _told(self, turn: Turn, hit: Hit) -> Source:
        """Keep what was talked about (the topic, and the question if it stood by itself), and say where it can be heard."""
        said = turn.text if turn.intent == "ask_policy" else ""
        moved_on = turn.intent in ("ask_section", "follow_up") and hit.sheet_title not in turn.last
        with self._shared.database.begin() as session:
            row = conversation_row(session, turn.conversation)
            if said or moved_on or not turn.last:
                row.last = self._shared.vault.seal(f"{hit.sheet_title} {said or hit.title}")
            row.last_at = clock.now()
            recordings = playable(session, hit)
        return replace(source_of(hit), audio=recordings[0].url if recordings else "")

    def _source_line(self, hit: Hit) -> str:
        return source_line(hit, self._shared.texts, self._shared.regions)

    def _more(self, hit: Hit, turn: Turn) -> list[Button]:
        """The pre-check, the section in full (unless it was just shown), and the sheet's next two."""
        siblings = self._shared.searcher().siblings(hit.sheet, turn.region, clock.today())
        wanted = [key for key in ("how", "materials", "eligibility", "time") if key != hit.key]
        others = sorted((other for other in siblings if other.key in wanted), key=lambda other: wanted.index(other.key))
        shown = turn.inbound.payload.startswith("section:")
        first = [] if shown else [Button("说详细点", f"section:{hit.sheet}/{hit.key}")]
        further = [Button(other.title, f"section:{other.sheet}/{other.key}") for other in others[:2]]
        return self._prechecks.offer(hit) + first + further

    def starts_no_report(self, turn: Turn) -> bool:
        """Whether a message that NLU takes for a report asks, of itself, whether a policy covers it, or asks anything."""
        said = normalise(turn.text)
        if MAY_WE.search(said):
            return self.was_a_question(turn, 2.0)
        asks = len(said) <= TALE and reading.asks(said) and not HELPLESS.search(said)
        return asks and self.was_a_question(turn, REPORT_DOUBT_BELOW, REPORT_ASKED_FROM)

    def asks_after_all(self, turn: Turn) -> bool:
        """Whether a message that NLU takes for a complaint or a wish asks what a sheet answers."""
        said = normalise(turn.text)
        asks = reading.asks(said) and not ACCUSES.search(said)
        return self.was_a_question(turn, HARDLY) or (asks and self.was_a_question(turn, DOUBT_BELOW, ASKED_FROM))

    def answer_and_offer(self, turn: Turn) -> list[Reply]:
        """Answer what may have been a report, and offer to take it."""
        offer = Reply(self._shared.texts.say("report_offer"), [Button("我要报困难", "do:report_hardship")])
        return [*self.answer_policy(turn), offer]

    def was_a_question(self, turn: Turn, doubt_below: float, sure_from: float = RESCUE_FROM) -> bool:
        """Whether NLU doubts what it hears, and search is sure."""
        if turn.confidence >= doubt_below or not turn.text or turn.inbound.payload:
            return False
        return self.confidence(turn) >= sure_from

    def confidence(self, turn: Turn) -> float:
        """How sure search is that a sheet answers a turn's text."""
        return self._shared.searcher().search(turn.text, vector=turn.vector, region=turn.region, day=clock.today()).confidence


def needed(turn: Turn) -> float:
    """How sure search must be to answer a turn."""
    if turn.intent == "nlu_fallback":
        return ANSWER_FALLBACK_FROM
    if turn.intent not in ("ask_policy", "out_of_scope"):
        return ANSWER_FROM
    middle, slope, least, most = POLICY if turn.intent == "ask_policy" else OUT_OF_SCOPE
    return min(most, max(least, middle + slope * (turn.confidence - 0.5)))


def source_of(hit: Hit) -> Source:
    """A section as the contract names it."""
    return Source(hit.sheet, hit.key, hit.title, hit.score, hit.url)


def source_line(hit: Hit, texts: Texts, regions: Regions) -> str:
    """What is said of where an answer comes from."""
    place = regions.get(hit.region)
    return texts.say(
        "source",
        title=hit.sheet_title,
        issuer=hit.issuer,
        place=place.name if place else hit.region,
        basis=basis_of(hit.sources),
        reviewed=hit.reviewed_on,
    )


def spoken_day(day: str) -> str:
    """An ISO date as it is said."""
    year, month, of_month = map(int, day.split("-"))
    return f"{year}年{month}月{of_month}日"
