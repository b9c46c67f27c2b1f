"""Questions in two parts."""

from __future__ import annotations

import pytest

from knowledge_base.parts import in_two


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("低保怎么申请，残疾证去哪里办", "低保怎么申请", "残疾证去哪里办"),
        ("危房改造补多少？还有要带什么材料", "危房改造补多少", "要带什么材料"),
        ("我妈瘫了，残疾证怎么办，轮椅可以领吗", "我妈瘫了，残疾证怎么办", "轮椅可以领吗"),
        ("养老金几号到账和高龄津贴有多少", "养老金几号到账", "高龄津贴有多少"),
    ],
)
def test_two_questions_are_cut(text: str, first: str, second: str) -> None:
    """Two questions in one message come apart; what is told before one stays with it."""
    assert in_two(text) == (first, second)


@pytest.mark.parametrize(
    "text",
    [
        "低保怎么申请",
        "我老公得了重病，能不能报监测",
        "低保和五保有什么区别",
        "怎么办？急",
        "怎么申请，要几天，带什么",
        "我家和邻居",
        "",
    ],
)
def test_one_question_stays_whole(text: str) -> None:
    """A tale before the question, a comparison, a cry, or three questions at once are not cut in two."""
    assert in_two(text) is None
