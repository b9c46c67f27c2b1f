"""The report as a whole: any words in any order, interruptions, corrections, leaving, retries. Nothing half, nothing lost.

Each example is a conversation of its own; the invariants are checked after every message.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.report import SLOTS, Draft
from bot.skills import Skills
from channels.message import Answer
from tests.conftest import make_shared
from tests.talk import Talk

ANSWERS = [
    *(
        "老公住院花了五万",
        "房子被水冲垮了",
        "我要报困难",
        "岑城镇探花村",
        "善村",
        "13800138000",
        "没有电话",
        "北京",
        "嗯",
        "继续",
    ),
    *(
        "上一步",
        "不是探花村，是善村",
        "电话写错了，是13900139000",
        "电话写错了",
        "不是老公，是儿子病了",
        "四口",
        "不是三口，是四口",
    ),
    *("跳过", "没有", "我要补充 我妈也瘫了", "帮隔壁阿婆报，她摔了", "1", "2", "编号100018后四位8000"),
]
HEARD = ["report_hardship", "nlu_fallback", "affirm", "deny", "small_talk"]
ASIDES = [("低保怎么申请", "ask_policy"), ("足球哪个赢", "out_of_scope"), ("你好", "greet"), ("谁管", "ask_contact")]
ASIDES += [("查进度", "ask_status")]
ENDS = [("不报了", "cancel"), ("不同意", "deny"), ("我要撤回", "cancel")]
STEPS = st.one_of(
    st.tuples(st.sampled_from(ANSWERS), st.sampled_from(HEARD)), st.sampled_from(ASIDES), st.sampled_from(ENDS),
    st.tuples(st.text(min_size=1, max_size=30), st.sampled_from(HEARD)),
)  # fmt: skip


class Checked:
    """A conversation whose every message is checked, and now and then answered twice as after a crash."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._told: list[str] = []  # taken into the report that is open now

    def say(self, text: str, intent: str, *, crash: bool) -> None:
        """Say it, and look that all holds."""
        before = self._draft()
        message, _ = self._talk.journal.record(self._talk.key, text=text)
        answer = self._talk.again(message, intent)
        if crash:
            twice = self._talk.again(message, intent)
            assert (answer.case.number if answer.case else None) == (twice.case.number if twice.case else None)
        assert answer.replies
        self._nothing_is_half()
        self._nothing_is_lost(before, answer, text)

    def _draft(self) -> Draft | None:
        return self._talk.skills.known(self._talk.key).draft

    def _nothing_is_half(self) -> None:
        for case, details, said in self._talk.filed():
            if case.urgency == "routine":
                assert details.event
                assert details.place
                assert case.region
                assert said
        draft = self._draft()
        assert draft is None or draft.missing in SLOTS

    def _nothing_is_lost(self, before: Draft | None, answer: Answer, text: str) -> None:
        after, filed = self._draft(), self._talk.filed()
        if after is not None:
            self._told = [*after.said]
            if before is not None:
                assert after.said[: len(before.said)] == before.said
        elif before is not None and answer.case is not None and answer.understood.intent in ("inform", "report_hardship"):
            (said,) = [said for case, _, said in filed if case.number == answer.case.number]
            assert [told for told in self._told if told not in said] == []
            self._told = []
        elif answer.understood.intent == "tell_more" and answer.case is not None and _is_content(text):
            assert any(text in said for _, _, said in filed)


def _is_content(text: str) -> bool:
    return text in {"四口", "我要补充 我妈也瘫了", "不是三口，是四口", "电话写错了，是13900139000", "不是探花村，是善村"}


@pytest.fixture
def sqlite_talker(sqlite, vault, regions, county, searcher):
    """Makes conversations on SQLite: the statements are the same on PostgreSQL, where other tests run them."""
    skills = Skills(make_shared(sqlite, vault, regions, county, searcher))
    return lambda: Talk(skills, sqlite, vault, regions)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(steps=st.lists(st.tuples(STEPS, st.booleans()), min_size=1, max_size=14))
def test_nothing_is_half_and_nothing_is_lost(sqlite_talker, steps) -> None:
    """Any conversation keeps every answer in the draft or the case, and files only what is whole, once."""
    villager = Checked(sqlite_talker())
    for (text, intent), crash in steps:
        villager.say(text, intent, crash=crash)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    order=st.permutations(["老公住院花了五万", "岑城镇探花村", "13800138000"]),
    asides=st.lists(st.sampled_from(ASIDES), max_size=4),
    crash=st.booleans(),
)
def test_three_answers_in_any_order_make_one_case(sqlite_talker, order, asides, crash) -> None:
    """Whatever is asked in between, three answers in any order are one case with the right values."""
    talk = sqlite_talker()
    talk.say("我要报困难", "report_hardship")
    waiting = list(asides)
    for text in order:
        while waiting and len(waiting) % 2:
            talk.say(*waiting.pop())
        message, _ = talk.journal.record(talk.key, text=text)
        for _ in range(1 + crash):
            talk.again(message)
        if waiting:
            talk.say(*waiting.pop())
    ((case, details, said),) = talk.filed()
    assert (case.region, details.event, details.contact) == ("450481100201", "老公住院花了五万", "+8613800138000")
    assert sorted(said) == sorted(["我要报困难", *order])
