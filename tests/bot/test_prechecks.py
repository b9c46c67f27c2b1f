"""The pre-check in chat, through the assistant with Rasa down, on each kind of database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import inspect, select

from bot.records import Conversation, Effect
from cadres.case import Case
from cadres.inbox import Folder, Inbox
from channels.journal import InboundRow
from core import clock
from core.accounts import Account
from core.crypto import Vault
from core.database import Database
from core.demo import COUNTY
from knowledge_base.precheck import VERDICTS
from knowledge_base.search import Searcher
from tests.checking import SHEET, Village, bubbles, buttons, confirm_it
from tests.fakes import VILLAGE

START = f"precheck:start:45/{SHEET}"


@pytest.fixture
def village(database: Database, vault: Vault, checked_searcher: Searcher) -> Village:
    """A county that has confirmed the criteria, and one villager."""
    confirm_it(database)
    return Village(database, vault, checked_searcher)


async def answer_all(village: Village, *said: str) -> object:
    """Begin and answer; gives the last answer."""
    last = await village.says("我家够不够条件", START)
    for text in said:
        last = await village.says(text)
    return last


async def test_offered_after_an_answer_on_eligibility_only(village: Village) -> None:
    """The button stands under who-can-apply, not under how-to-apply."""
    assert START in buttons(await village.says("低保什么条件")).values()
    assert START not in buttons(await village.says("低保怎么申请")).values()


async def test_off_until_the_county_confirmed(database: Database, vault: Vault, checked_searcher: Searcher) -> None:
    """Without a confirmation nothing is offered, and a forged button starts nothing."""
    village = Village(database, vault, checked_searcher)
    assert START not in buttons(await village.says("低保什么条件")).values()
    assert "没有开" in bubbles(await village.says("我家够不够条件", START))


async def test_from_the_first_question_to_the_outcome(village: Village) -> None:
    """One question at a time with why it is asked; buttons and typed answers mix; then outcome, reason, clause, check."""
    first = await village.says("我家够不够条件", START)
    assert "2024年" in bubbles(first)
    assert "1/4　您家是农村户口吗？\n为什么问：按户口来认。" in bubbles(first)
    assert list(buttons(first)) == ["是", "不是", "不知道", "不查了"]
    second = await village.says("是", buttons(first)["是"])
    assert "2/4" in bubbles(second)
    assert "3/4" in bubbles(await village.says("四口人"))
    assert "4/4" in bubbles(await village.says("两万"))
    last = await village.says("大病")
    said = bubbles(last)
    assert "很可能符合" in said
    assert "有难处，人均收入在8000元以内。" in said
    assert "依据：明白纸第一条（2024年" in said
    assert "干部会核：上门看。" in said
    assert "照样可以报" in said
    assert list(buttons(last)) == ["带着这些去申报", "直接报困难", "不报，删掉回答"]
    assert last.understood.kind == "policy"


async def test_not_knowing_leads_to_unsure(village: Village) -> None:
    """«不知道» is an answer; the outcome names what a cadre will find out."""
    said = bubbles(await answer_all(village, "是", "不知道", "两万", "大病"))
    assert "说不准" in said
    assert "几口人？" in said


async def test_a_question_in_the_middle_is_answered_first(village: Village) -> None:
    """Then the open question stands there again, and its answer goes on from there."""
    await answer_all(village, "是")
    answer = await village.says("低保怎么申请")
    assert bubbles(answer).startswith("到村里申请。")
    assert "几口人？" in bubbles(answer)
    assert "3/4" in bubbles(await village.says("4"))


async def test_a_misread_answer_is_asked_again(village: Village) -> None:
    """A number out of bounds is not taken."""
    await answer_all(village, "是")
    said = bubbles(await village.says("三百口人"))
    assert "1到20" in said
    assert "2/4" in said


@pytest.mark.parametrize(
    "payload",
    [
        "precheck:answer:rural:maybe", "precheck:answer:nothing:yes", "precheck:answer:", "precheck:", "precheck:x:y:z",
        "precheck:start:45/none", "precheck:start:", "precheck:report",
    ],
)  # fmt: skip
async def test_forged_buttons_do_no_harm(village: Village, payload: str) -> None:
    """Whatever a payload says, there is an answer."""
    assert bubbles(await village.says("x", payload))
    await village.says("我家够不够条件", START)
    assert bubbles(await village.says("x", payload))


async def test_an_old_button_corrects_an_answer(village: Village) -> None:
    """A button of a question that was answered changes that answer."""
    last = await answer_all(village, "是", "4", "两万", "大病")
    assert "很可能符合" in bubbles(last)
    assert "可能不符合" in bubbles(await village.says("都没有", "precheck:answer:trouble:none"))


async def kept(village: Village) -> str:
    """Everything that the database keeps of the conversation, opened."""
    vault = village.shared.vault
    with village.database.read() as session:
        rows = list(session.scalars(select(InboundRow)))
        texts = [str(vault.unseal_json(row.body)) + str(vault.unseal_json(row.answer) if row.answer else "") for row in rows]
        texts += [str(vault.unseal_json(row.result)) for row in session.scalars(select(Effect))]
        texts += [vault.unseal(row.precheck) for row in session.scalars(select(Conversation)) if row.precheck]
        texts += [str(vault.unseal_json(row.draft)) for row in session.scalars(select(Conversation)) if row.draft]
    return "\n".join(texts)


ANSWERS = ("四口人", "27650", "房子不安全")
TRACES = ("四口人", "27650", "'income'", '"income"', "房子不安全", "人均收入在")


@pytest.mark.parametrize("ending", ["不查了", "precheck:stop", "do:report_hardship", "我要报困难", "a day"])
async def test_answers_are_gone_at_the_end(village: Village, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left by word or button, for a report without them, or by going away for a day: no answer and no outcome stays,
    neither in the conversation nor in the journal."""
    village.intents.by_text["我要报困难"] = ("report_hardship", 0.95)
    await answer_all(village, "是", *ANSWERS)
    assert "27650" in await kept(village)
    if ending == "a day":
        later = clock.now() + timedelta(days=1, minutes=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert village.skills.prechecks.sweep() == 1
        assert village.skills.prechecks.sweep() == 0
    elif ":" in ending:
        await village.says("按了", ending)
    else:
        await village.says(ending)
    left = await kept(village)
    # the buttons of the last question may name a choice; what was chosen is nowhere
    assert [trace for trace in TRACES if trace in left.replace("answer:trouble:", "")] in ([], ["房子不安全"])
    assert "'who': 'villager'" not in left
    with village.database.read() as session:
        assert all(row.precheck is None and row.precheck_until is None for row in session.scalars(select(Conversation)))


async def test_carried_into_a_report(village: Village, database: Database) -> None:
    """«带着这些去申报» opens a report that has the answers; the cadre reads them with it, and the outcome is nowhere."""
    last = await answer_all(village, "是", *ANSWERS)
    begun = await village.says("带着这些去申报", buttons(last)["带着这些去申报"])
    assert begun.understood.kind == "report"
    assert "出了什么事" in bubbles(begun)
    await village.says("房子塌了一面墙，不敢住")
    await village.says("岑城镇探花村")
    filed = await village.says("13812345678")
    assert filed.case is not None
    with database.read() as session:
        case = session.scalars(select(Case)).one()
        said = "\n".join(line.text for line in village.cases.messages(session, case))
        details = str(vars(village.cases.details(case)))
    assert "自查时的回答" in said
    assert "一年进账多少元？ 27650元" in said
    assert not [verdict for verdict in VERDICTS.values() if verdict in said + details]


async def test_the_outcome_never_orders_the_queue(village: Village, database: Database, checked_searcher: Searcher) -> None:
    """A case has no place for an outcome, and cases of any outcome stand in the queue as they came."""
    columns = {column.key for column in inspect(Case).columns}
    assert not [name for name in columns if "precheck" in name or "verdict" in name or "outcome" in name]
    for number, trouble in enumerate(["大病", "都没有", "不知道", "房子不安全"]):
        who = f"villager-{number}"
        await village.says("我家够不够条件", START, who=who)
        for text in ("是", "4", "20000", trouble):
            last = await village.says(text, who=who)
        await village.says("带着", buttons(last)["带着这些去申报"], who=who)
        for text in ("家里出了大事，日子难过", "岑城镇探花村", "没有"):
            await village.says(text, who=who)
    with database.read() as session:
        queue = Inbox(village.cases).page(session, Account(region=COUNTY.code, role="county"), Folder.ALL)
    assert [case.id for case in queue] == sorted((case.id for case in queue), reverse=True)
    assert len(queue) == 4
    assert {case.urgency for case in queue} == {"routine"}


async def test_danger_comes_before_the_pre_check(village: Village) -> None:
    """Words of danger in the middle get the numbers at once."""
    await answer_all(village, "是")
    answer = await village.says("我不想活了")
    assert answer.understood.kind == "urgent"
    assert "110" in bubbles(answer)


async def test_not_inside_a_report(village: Village) -> None:
    """While a report is open, it comes first."""
    await village.says("报困难", "do:report_hardship")
    assert "先报完" in bubbles(await village.says("够不够", START))


async def test_a_retried_message_counts_once(village: Village) -> None:
    """The same message answered again after a crash changes nothing and says the same."""
    await village.says("我家够不够条件", START)
    message, _ = village.journal.record("c", text="是")
    first = await village.assistant.answer(message)
    again = await village.assistant.answer(message)
    assert bubbles(first).splitlines()[-2:] == bubbles(again).splitlines()[-2:]
    assert "2/4" in bubbles(again)


async def test_rasa_hears_no_answers(village: Village) -> None:
    """Answers reach Rasa as a bare command."""
    await answer_all(village, "是", *ANSWERS)
    assert set(village.rasa.heard) == {"/precheck"}


async def test_a_place_told_at_the_page_goes_into_the_report(village: Village) -> None:
    """A village that the page knows is taken over."""
    last = await answer_all(village, "是", *ANSWERS)
    message, _ = village.journal.record("c", text="带着", payload=buttons(last)["带着这些去申报"], region=VILLAGE)
    await village.assistant.answer(message)
    await village.says("房子塌了一面墙，不敢住")
    filed = await village.says("没有")
    assert filed.case is not None
