"""The actions as Rasa calls them: a tracker goes in, events and responses come out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import yaml
from rasa_sdk import Tracker
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher
from rasa_sdk.interfaces import ActionNotFoundException

from bot.actions import FLAGS, SkillAction, TurnOver, executor_for
from bot.client import MARKER
from bot.skills import Skills
from bot.texts import DOMAIN, Texts
from bot.turn import Turn, Turns
from cadres.case import Cases
from channels.message import Button, Inbound, Reply
from core.county import County
from core.database import Database
from core.regions import Regions
from tests.conftest import make_shared
from tests.fakes import COUNTY, VILLAGE, vector_of

TEXTS = Texts()


class Rasa:
    """Calls actions as Rasa does, for messages of one conversation."""

    def __init__(self, skills: Skills) -> None:
        self.turns, self.skills = Turns(), skills
        self._executor = executor_for(self.turns, skills)
        self._count = 0

    def message(self, text: str, payload: str = "", region: str = COUNTY) -> Turn:
        """Open a turn of a new message."""
        self._count += 1
        vector = vector_of(text) if text else None
        turn = Turn(Inbound(f"m{self._count}", "c", text, payload, region), text, region, vector)
        self.turns.open(turn)
        return turn

    async def call(
        self, action: str, message_id: str, intent: str, sure: float = 0.95
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The responses and the events of one action."""
        tracker = {
            "sender_id": "c",
            "slots": {},
            "latest_message": {
                "text": "", "intent": {"name": intent, "confidence": sure}, "metadata": {"message_id": message_id},
            },
            "events": [],
            "latest_event_time": 0.0,
            "paused": False,
            "active_loop": {},
        }  # fmt: skip
        result = await self._executor.run(
            {"next_action": action, "sender_id": "c", "tracker": tracker, "domain": {}, "version": "3.6.21"}
        )
        assert result is not None
        return result.responses, result.events

    async def says(self, action: str, turn: Turn, intent: str, sure: float = 0.95) -> list[str]:
        """The texts of one action."""
        responses, _ = await self.call(action, turn.id, intent, sure)
        return [response["text"] for response in responses if response.get("text")]

    async def report(self, text: str, intent: str = "report_hardship", **more: str) -> list[dict[str, Any]]:
        """One step of the form; gives the events."""
        return (await self.call("validate_report_form", self.message(text, **more).id, intent))[1]


@pytest.fixture
def rasa(skills: Skills) -> Rasa:
    """Rasa's side, on each kind of database."""
    return Rasa(skills)


def slots(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The slots that events set."""
    assert {event["event"] for event in events} <= {"slot"}
    return {event["name"]: event["value"] for event in events}


def test_every_action_of_the_domain_is_there(rasa: Rasa) -> None:
    """The executor knows the actions that the domain lists, and no others."""
    listed = yaml.safe_load(DOMAIN.read_text("utf-8"))["actions"]
    assert set(rasa._executor.actions) == set(listed)


async def test_replies_buttons_and_the_marker_go_out(rasa: Rasa) -> None:
    """An answer's bubbles go out in order with their buttons, and the marker of the turn comes last."""
    turn = rasa.message("低保怎么申请")
    responses, events = await rasa.call("action_answer_policy", turn.id, "ask_policy")
    assert responses[0]["text"] == "低保到村里申请。"
    assert {"title": "说详细点", "payload": "section:dibao/how"} in responses[1]["buttons"]
    assert responses[-1]["custom"] == {MARKER: turn.id}
    assert events == []
    assert (turn.intent, turn.confidence, turn.kind, turn.interrupted) == ("ask_policy", 0.95, "policy", True)
    assert turn.sources[0].sheet == "dibao"


@pytest.mark.parametrize("metadata", [{}, {"message_id": "m99"}, {"message_id": ""}, None, {"message_id": "m0"}])
async def test_a_call_for_no_open_turn_is_rejected(rasa: Rasa, metadata: dict[str, str] | None) -> None:
    """A call with a foreign, missing or forged id is rejected and says nothing."""
    rasa.message("你好")
    tracker = Tracker.from_dict({"sender_id": "c", "latest_message": {"metadata": metadata, "intent": {"name": "greet"}}})
    dispatcher = CollectingDispatcher()
    with pytest.raises(TurnOver):
        await rasa._executor.actions["action_chitchat"](dispatcher, tracker, {})
    assert dispatcher.messages == []


async def test_a_call_for_a_closed_turn_is_rejected(rasa: Rasa, database: Database) -> None:
    """An action that comes after the turn was given up changes nothing."""
    turn = rasa.message("我要报困难，老公住院")
    rasa.turns.close(turn)
    with pytest.raises(TurnOver):
        await rasa.call("validate_report_form", turn.id, "report_hardship")
    assert rasa.skills.known("c").draft is None


async def test_a_turn_given_up_while_an_action_waits_is_rejected(rasa: Rasa) -> None:
    """An action that waits for the turn while it is closed finds it gone and does nothing."""
    turn = rasa.message("你好")
    with turn.lock:
        calling = asyncio.create_task(rasa.call("action_chitchat", turn.id, "greet"))
        await asyncio.sleep(0.05)
        rasa.turns._open.clear()
    with pytest.raises(TurnOver):
        await calling


async def test_closing_a_turn_waits_for_its_action(rasa: Rasa) -> None:
    """An action at work is finished before the turn is closed, so its effects are whole."""
    import threading

    working, may_end, order = threading.Event(), threading.Event(), []

    def slow(_turn: Turn) -> list[Reply]:
        working.set()
        may_end.wait(2)
        order.append("worked")
        return [Reply("好", [Button("甲", "do:cancel")])]

    executor = ActionExecutor()
    executor.register_action(SkillAction(rasa.turns, "action_slow", slow))
    rasa._executor = executor
    turn = rasa.message("你好")
    calling = asyncio.create_task(rasa.call("action_slow", turn.id, "greet"))
    await asyncio.to_thread(working.wait, 2)

    def close() -> None:
        rasa.turns.close(turn)
        order.append("closed")

    closing = asyncio.create_task(asyncio.to_thread(close))
    await asyncio.sleep(0.05)
    may_end.set()
    await asyncio.gather(calling, closing)
    assert order == ["worked", "closed"]


async def test_an_unknown_action_is_no_action(rasa: Rasa) -> None:
    """A name that the domain does not list is refused by the executor."""
    with pytest.raises(ActionNotFoundException):
        await rasa.call("action_rm_rf", rasa.message("你好").id, "greet")


async def test_a_message_without_intent_is_not_understood(rasa: Rasa) -> None:
    """Where Rasa names no intent the turn is not understood, not broken."""
    turn = rasa.message("足球哪个赢")
    responses, _ = await rasa.call("action_answer_policy", turn.id, "", 0.0)
    assert turn.intent == "nlu_fallback"
    assert turn.answer([]).understood.kind == "oos"
    assert "12345" in responses[0]["text"]


@pytest.mark.parametrize(
    ("action", "intent", "text"),
    [
        ("action_chitchat", "greet", "greet"),
        ("action_chitchat", "thank", "thank"),
        ("action_texts", "opt_out", "opt_out_sure"),
        ("action_texts", "opt_in", "opt_in"),
        ("action_complaint", "complain", "complaint_where"),
        ("action_cancel_report", "cancel", "nothing_to_cancel"),
    ],
)
async def test_simple_actions_say_their_text(rasa: Rasa, action: str, intent: str, text: str) -> None:
    """Each simple action says the text of its intent."""
    assert (await rasa.says(action, rasa.message("嗯"), intent))[0] == TEXTS.say(text)


async def test_the_form_asks_one_thing_after_the_other(rasa: Rasa) -> None:
    """Each step sets the flags of what is known and asks for the next; filing gives a number and clears the flags."""
    started = rasa.message("我要报困难")
    responses, events = await rasa.call("validate_report_form", started.id, "report_hardship")
    assert [response["text"] for response in responses if response.get("text")] == [
        TEXTS.say("report_start"),
        TEXTS.say("report_notice", keep=TEXTS.say("report_keep")),
        TEXTS.say("ask_event"),
    ]
    assert slots(events) == dict.fromkeys(FLAGS.values())
    assert started.kind == "report"
    assert slots(await rasa.report("老公住院花了五万", "inform")) == {
        "report_event": True,
        "report_place": None,
        "report_contact": None,
    }
    assert slots(await rasa.report("岑城镇探花村", "inform")) == {
        "report_event": True,
        "report_place": True,
        "report_contact": None,
    }
    last = rasa.message("13800138000")
    responses, events = await rasa.call("validate_report_form", last.id, "inform")
    assert slots(events) == dict.fromkeys(FLAGS.values(), True)
    assert [response for response in responses if response.get("text")] == []
    responses, events = await rasa.call("action_file_report", last.id, "inform")
    assert slots(events) == dict.fromkeys(FLAGS.values())
    assert last.case is not None
    assert last.case.number in responses[0]["text"]
    known = rasa.skills.known("c")
    assert known.filed is not None
    assert (known.draft, known.filed.asked, known.region) == (None, "household", VILLAGE)


async def test_the_report_becomes_a_case(rasa: Rasa, database: Database, vault) -> None:
    """The filed case lies in the village's queue with event, place, number and all that was said."""
    for text in ("我要报困难", "老公住院花了五万", "岑城镇探花村", "13800138000"):
        await rasa.report(text, "inform")
    await rasa.call("action_file_report", rasa.turns.get("m4").id, "inform")
    cases = Cases(vault)
    with database.read() as session:
        (case,) = cases.of_conversation(session, "c")
        details = cases.details(case)
        assert (case.region, case.urgency, case.state) == (VILLAGE, "routine", "reported")
        assert (details.event, details.place, details.contact) == ("老公住院花了五万", "岑溪市岑城镇探花村", "+8613800138000")
        assert [said.text for said in cases.messages(session, case)] == [
            "我要报困难",
            "老公住院花了五万",
            "岑城镇探花村",
            "13800138000",
        ]


async def test_running_a_turns_actions_again_changes_nothing(rasa: Rasa, database: Database, vault) -> None:
    """Rasa, killed and asked again, runs the same actions: there is one case, one number and no step too many."""
    for text in ("老公住院花了五万，我家在探花村",):
        await rasa.report(text)
    last = rasa.message("13800138000")
    numbers = set()
    for _ in range(2):
        await rasa.call("validate_report_form", last.id, "inform")
        await rasa.call("action_file_report", last.id, "inform")
        assert last.case is not None
        numbers.add(last.case.number)
    with database.read() as session:
        assert len(Cases(vault).of_conversation(session, "c")) == len(numbers) == 1


@pytest.mark.parametrize("intent", ["ask_policy", "cancel", "urgent", "ask_contact", "follow_up", "out_of_scope"])
async def test_a_question_inside_the_report_steps_aside(rasa: Rasa, intent: str) -> None:
    """On an interruption the form extracts nothing, and after it was served asks its own question again."""
    await rasa.report("老公住院花了五万")
    turn = rasa.message("低保怎么申请")
    responses, events = await rasa.call("validate_report_form", turn.id, intent)
    assert events == []
    assert [response for response in responses if response.get("text")] == []
    await rasa.call("action_answer_policy", turn.id, intent)
    responses, events = await rasa.call("validate_report_form", turn.id, intent)
    assert responses[0]["text"] == TEXTS.say("ask_place")
    assert slots(events)["report_event"] is True
    draft = rasa.skills.known("c").draft
    assert draft is not None
    assert (draft.tries, draft.said) == (1, ["老公住院花了五万"])


async def test_without_a_draft_the_form_is_left(rasa: Rasa) -> None:
    """When the draft is gone the form asks nothing and all its slots are cleared."""
    responses, events = await rasa.call("validate_report_form", rasa.message("吃了没").id, "small_talk")
    assert [response for response in responses if response.get("text")] == []
    assert slots(events) == dict.fromkeys(["requested_slot", *FLAGS.values()])


async def test_a_doubtful_report_that_is_a_question_is_answered(rasa: Rasa) -> None:
    """What NLU takes for a report without being sure, and search knows, is answered with the offer to report."""
    turn = rasa.message("低保怎么申请")
    responses, events = await rasa.call("validate_report_form", turn.id, "report_hardship", 0.3)
    said = [response["text"] for response in responses if response.get("text")]
    assert "低保到村里申请。" in said
    assert said[-1] == TEXTS.say("report_offer")
    assert slots(events) == {"requested_slot": None}
    assert rasa.skills.known("c").draft is None


async def test_a_sure_report_is_taken_though_search_knows_it(rasa: Rasa) -> None:
    """A report that NLU is sure of is never turned into a question."""
    assert "report_event" in slots(
        (await rasa.call("validate_report_form", rasa.message("低保怎么申请").id, "report_hardship", 0.9))[1]
    )


async def test_leaving_a_report_keeps_nothing(rasa: Rasa) -> None:
    """A sure wish to leave throws the draft away and clears the flags."""
    await rasa.report("老公住院花了五万")
    turn = rasa.message("不报了")
    responses, events = await rasa.call("action_cancel_report", turn.id, "cancel")
    assert responses[0]["text"] == TEXTS.say("report_cancelled")
    assert slots(events) == dict.fromkeys(FLAGS.values())
    assert rasa.skills.known("c").draft is None


async def test_an_unsure_wish_to_leave_is_asked_about(rasa: Rasa) -> None:
    """Where NLU is not sure, the draft stays and the villager chooses."""
    await rasa.report("老公住院花了五万")
    responses, _ = await rasa.call("action_cancel_report", rasa.message("嗯哼").id, "cancel", 0.4)
    assert {button["payload"] for button in responses[0]["buttons"]} == {"do:report_hardship", "do:cancel"}
    assert rasa.skills.known("c").draft is not None


async def test_resuming_takes_nothing_as_an_answer(rasa: Rasa) -> None:
    """«继续» and the button «接着报» put the open question again and count no try."""
    await rasa.report("老公住院花了五万")
    for text, payload in [("继续", ""), ("", "do:report_hardship")]:
        await rasa.report(text, "report_hardship", payload=payload)
        draft = rasa.skills.known("c").draft
        assert draft is not None
        assert (draft.asked, draft.tries, draft.region) == ("place", 1, "")


async def test_a_village_is_chosen_by_button(rasa: Rasa) -> None:
    """A button of the form sets the village; a payload that is none changes nothing."""
    await rasa.report("老公住院花了五万")
    assert slots(await rasa.report("", "inform", payload="place:999"))["report_place"] is None
    assert slots(await rasa.report("", "inform", payload=f"place:{VILLAGE}"))["report_place"] is True


async def test_filing_without_a_draft_makes_no_case(rasa: Rasa) -> None:
    """A filing that comes without a complete draft makes no case; the message is answered for itself."""
    turn = rasa.message("低保怎么申请")
    assert "低保到村里申请。" in await rasa.says("action_file_report", turn, "inform")
    await rasa.report("老公住院花了五万")
    early = rasa.message("好")
    assert await rasa.says("action_file_report", early, "inform") != []
    assert (turn.case, early.case) == (None, None)


async def test_nlu_alone_must_be_sure_of_danger(rasa: Rasa) -> None:
    """Sure danger makes an urgent case; unsure danger is answered with the question whether there is any."""
    sure = rasa.message("阿公好像不太对")
    await rasa.call("action_urgent", sure.id, "urgent", 0.8)
    assert sure.case is not None
    assert sure.case.urgency == "urgent"
    unsure = rasa.message("足球哪个赢")
    responses, _ = await rasa.call("action_urgent", unsure.id, "urgent", 0.2)
    assert unsure.case is None
    assert responses[-2]["buttons"] == [{"title": "是，有危险", "payload": "do:urgent"}]


async def test_a_senders_danger_joins_one_case(rasa: Rasa, database: Database, vault) -> None:
    """Repeats join the urgent case, and a place told later moves it to its village."""
    first, second, third = rasa.message("救命"), rasa.message("快来人"), rasa.message("探花村")
    rasa.skills.danger.urgent(first, "general")
    rasa.skills.danger.urgent(second, "general")
    assert rasa.skills.danger.add_to_urgent(third) is not None
    assert rasa.skills.danger.add_to_urgent(rasa.message("低保怎么申请")) is None
    with database.read() as session:
        (case,) = Cases(vault).of_conversation(session, "c")
        assert case.region == VILLAGE
        assert len(Cases(vault).messages(session, case)) == 3
    assert first.case == second.case == third.case


async def test_a_declined_question_is_kept_for_the_editor(rasa: Rasa, database: Database, vault) -> None:
    """What no sheet answers is kept once, sealed, and the villager learns whom to call."""
    from bot.records import Unanswered

    turn = rasa.message("足球哪个赢")
    for _ in range(2):
        said = await rasa.says("action_answer_policy", turn, "out_of_scope")
    assert "12345" in said[0]
    with database.read() as session:
        (row,) = session.query(Unanswered).all()
        assert vault.unseal(row.question) == "足球哪个赢"


async def test_a_section_is_shown_by_button(rasa: Rasa) -> None:
    """A button shows its section in full; one that was taken out since says so."""
    turn = rasa.message("", "section:dibao/how")
    assert "先到村委会" in (await rasa.says("action_show_section", turn, "ask_section"))[0]
    for gone in ("section:dibao/exit", "section:", "section:a/b/c"):
        assert await rasa.says("action_show_section", rasa.message("", gone), "ask_section") == [TEXTS.say("section_gone")]


@pytest.mark.parametrize(("accepted_door", "text"), [(True, "report_next_accepted"), (False, "report_next")])
async def test_only_an_accepted_door_counts_as_application(
    database: Database, vault, regions: Regions, searcher, accepted_door: bool, text: str
) -> None:
    """A county whose reports are no formal application says so when one is filed."""
    county = County(COUNTY, demo=True, accepted_door=accepted_door)
    rasa = Rasa(Skills(make_shared(database, vault, regions, county, searcher)))
    await rasa.report("老公住院花了五万，我家在探花村，电话13800138000")
    said = await rasa.says("action_file_report", rasa.message("好"), "inform")
    assert said[1] == TEXTS.say(text, contact="12345")


async def test_a_child_leaves_the_form(rasa: Rasa) -> None:
    """A child is told to fetch an adult and nothing else: the form ends, and its last action keeps silent."""
    turn = rasa.message("我今年11岁，爸爸病了家里没钱")
    responses, events = await rasa.call("validate_report_form", turn.id, "report_hardship")
    assert [response["buttons"][0]["payload"] for response in responses if response.get("buttons")] == ["do:child_alone"]
    assert slots(events) == dict.fromkeys(["requested_slot", *FLAGS.values()])
    assert await rasa.says("action_file_report", turn, "report_hardship") == []
