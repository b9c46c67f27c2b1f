"""Questions in two parts, rules that are still to come, and what a source line says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot.skills import Shared, Skills
from bot.skills.answers import Answers
from bot.turn import Turn
from channels.message import Inbound
from core import clock
from knowledge_base.index import build_index
from knowledge_base.search import Searcher
from tests.fakes import COUNTY, OUT_OF_SCOPE, FakeEncoder, parsed, section_text, sheet_text, tiny_sheets, vector_of


def asked(text: str, intent: str = "ask_policy") -> Turn:
    """A turn that NLU takes for a policy question."""
    turn = Turn(Inbound("m1", "c", text, "", COUNTY), text, COUNTY, vector_of(text))
    turn.intent, turn.confidence = intent, 0.95
    return turn


def answers_of(shared: Shared) -> Answers:
    """The skill of answering."""
    return Skills(shared).answers


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch):
    """Sets the day."""
    return lambda day: monkeypatch.setattr(clock, "today", lambda: day)


def renewed(shared: Shared, directory: Path, **more: str) -> Shared:
    """The same with a county's own way to apply for dibao beside the tiny sheets."""
    own = section_text("how", "低保怎么申请", "低保在手机上报。", "低保怎么申请 | 怎样办低保", "打开小程序。")
    sheet = parsed(directory, sheet_text("dibao", "农村低保", region=COUNTY, sections=own, **more), COUNTY)
    build_index([*tiny_sheets(), sheet], FakeEncoder(), OUT_OF_SCOPE, directory / "knowledge.db", "fake")
    searcher = Searcher(directory / "knowledge.db", FakeEncoder())
    return replace(shared, searcher=lambda: searcher)


def test_two_questions_get_two_answers(shared: Shared) -> None:
    """Both short answers are said, each with its source, and both sections are named first."""
    turn = asked("低保怎么申请，举报找谁")
    said = [reply.text for reply in answers_of(shared).answer_policy(turn)]
    assert {"低保到村里申请。", "打12317。"} <= set(said)
    assert ["《农村低保》" in text or "《投诉举报和防骗》" in text for text in said].count(True) == 2
    assert {(source.sheet, source.section) for source in turn.sources[:2]} == {("dibao", "how"), ("rights", "where")}


def test_what_will_change_is_said_after_what_holds(shared: Shared, tmp_path: Path, on) -> None:
    """Before its day a new rule is announced behind the old one; from its day on it is the answer."""
    answers = answers_of(renewed(shared, tmp_path, effective_from="2027-01-01"))
    on(date(2026, 12, 31))
    turn = asked("低保怎么申请")
    said = [reply.text for reply in answers.answer_policy(turn)]
    assert said[0] == "低保到村里申请。"
    assert [text for text in said if "2027年1月1日" in text and "低保在手机上报。" in text] == [said[1]]
    assert turn.sources[0].url == "/sheets/45/dibao#how"
    on(date(2027, 1, 1))
    since = [reply.text for reply in answers.answer_policy(asked("低保怎么申请"))]
    assert since[0] == "低保在手机上报。"
    assert not any("2027年1月1日" in text for text in since)


def test_what_is_wholly_to_come_is_never_told_as_if_it_held(shared: Shared, tmp_path: Path, on) -> None:
    """With nothing in force yet the first words say from when."""
    answers = answers_of(renewed(shared, tmp_path, effective_from="2023-06-01"))
    on(date(2023, 1, 1))
    turn = asked("低保怎么申请")
    said = [reply.text for reply in answers.answer_policy(turn)]
    assert said[0].startswith("这个要从")
    assert "2023年6月1日" in said[0] or "2024年1月1日" in said[0]
    assert len(turn.sources) == 1


def test_the_source_line_says_place_and_year(shared: Shared) -> None:
    """An answer says for which place it holds, and for which years and places its facts were checked."""
    said = [reply.text for reply in answers_of(shared).answer_policy(asked("低保怎么申请"))]
    (line,) = [text for text in said if text.startswith("来源")]
    assert "适用：广西" in line
    assert "2024年广西" in line
