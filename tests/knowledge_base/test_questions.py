"""Questions made ready for the public: scrubbed, grouped, put into sheets; golden ones compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.accounts import EDITOR, Account
from core.database import Database
from core.regions import Regions, load_regions
from core.settings import PROJECT_ROOT
from knowledge_base import golden
from knowledge_base.golden import GoldenQuestion, compare
from knowledge_base.grouping import groups
from knowledge_base.index import build_index
from knowledge_base.scrub import scrub
from knowledge_base.search import Searcher
from knowledge_base.sheet import load_sheets, parse_text
from knowledge_base.wording import difference, with_asked
from tests.fakes import COUNTY, DAY, OUT_OF_SCOPE, FakeEncoder, section_text, sheet_text, tiny_sheets


@pytest.mark.parametrize(
    ("question", "public"),
    [
        ("我叫莫志明，住岑城镇探花村5组，电话13877412345，能不能报", "我叫某某，住某村，电话，能不能报"),
        ("探花村莫书记不给我报低保怎么办", "某村某书记不给我报低保怎么办"),
        ("隔壁陈秀英阿婆八十岁一个人住", "隔壁某阿婆几十岁一个人住"),
        ("身份证450481199001011234查得到没", "身份证查得到没"),
        ("身份证45048119900101123X查得到没", "身份证查得到没"),
        ("138 7741 2345打不通", "打不通"),
        ("0774-8221234打不通", "打不通"),
        ("老李家的房子漏雨", "某家的房子漏雨"),
        ("住院花了53000块", "住院花了几万块"),
        ("欠了八万块怎么办", "欠了几万块怎么办"),
        ("一年三千多元够不够", "一年几千元够不够"),
        ("打12345没人接", "打12345没人接"),
        ("2024年低保多少钱", "2024年低保多少钱"),
        ("养鸡有补贴吗", "养鸡有补贴吗"),
        ("高血压药费报多少", "高血压药费报多少"),
    ],
)
def test_what_points_to_a_person_is_taken_out(question: str, public: str) -> None:
    """Names, places of the county, numbers and sums go; hotlines, years and the matter itself stay."""
    assert scrub(question, load_regions(), COUNTY).text == public


def test_sums_are_kept_where_the_editor_wants_them() -> None:
    """The wording with amounts has them, and neither has a number of a person."""
    scrubbed = scrub("我叫莫志明，13877412345，花了53000块", load_regions(), COUNTY)
    assert "53000块" in scrubbed.with_amounts
    assert "莫志明" not in scrubbed.with_amounts
    assert "1387" not in scrubbed.with_amounts
    assert set(scrubbed.removed) == {"号码", "人名", "数目"}


@given(
    st.text(max_size=40),
    st.from_regex(r"1[3-9]\d{9}|\d{17}[\dX]", fullmatch=True),
    st.text(st.characters(categories=["Lo"]), max_size=20),
)
def test_no_number_of_a_person_survives(before: str, number: str, after: str) -> None:
    """Wherever a phone or identity number stands, it is gone from both wordings."""
    scrubbed = scrub(f"{before} {number} {after}", load_regions(), COUNTY)
    assert number not in scrubbed.text + scrubbed.with_amounts


def test_every_village_s_full_name_is_taken_out(regions: Regions) -> None:
    """No village or town of the county survives by its full name."""
    for place in [*regions.villages(COUNTY)[::9], *regions.children(COUNTY)]:
        assert place.short not in scrub(f"我在{place.short}想问低保", regions, COUNTY).text


def test_questions_of_one_meaning_come_together() -> None:
    """Near vectors make a group, the largest first, the most central one at its head; one question is a group."""
    vectors = np.array([[0.0, 1.0], [1.0, 0.0], [0.99, 0.1], [0.95, -0.1]], np.float32)
    assert groups(vectors, np.zeros(2, np.float32)) == [[1, 2, 3], [0]]
    assert groups(vectors[:1], np.zeros(2, np.float32)) == [[0]]
    assert groups(vectors[:0], np.zeros(2, np.float32)) == []


@given(st.integers(2, 30), st.integers(0, 1000))
def test_every_question_is_in_one_group(count: int, seed: int) -> None:
    """Whatever the vectors, each row is in exactly one group."""
    vectors = np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32)
    assert sorted(row for rows in groups(vectors, vectors.mean(0)) for row in rows) == list(range(count))


def test_an_asked_line_is_added_and_nothing_else_changes() -> None:
    """The line ends up in the named section; a bar in it cannot split it."""
    text = sheet_text(sections=section_text() + section_text("where", "去哪里", asked="去哪里"))
    changed = parse_text(with_asked(text, "where", "在边度|报"))
    assert changed.sections[1].asked == ["去哪里", "在边度 报"]
    assert changed.sections[0] == parse_text(text).sections[0]
    with pytest.raises(golden.NoSuchSection):
        with_asked(text, "exit", "x")


def test_a_difference_shows_what_changed_and_what_stands_around() -> None:
    """Added and removed lines with two lines around; the rest is left out."""
    old = [str(number) for number in range(20)]
    shown = difference("\n".join(old), "\n".join([*old[:10], "新", *old[11:]]))
    assert [(line.mark, line.text) for line in shown] == [
        ("…", ""), (" ", "8"), (" ", "9"), ("-", "10"), ("+", "新"), (" ", "11"), (" ", "12"),
    ]  # fmt: skip
    assert difference("a\nb", "a\nb") == []


# --- golden questions ---


def question(said: str, wanted: str) -> GoldenQuestion:
    sheet, _, section = wanted.partition("#")
    return GoldenQuestion(question=said, region="45", sheet=sheet, section=section)


def test_changes_are_judged(tmp_path: Path, encoder: FakeEncoder, searcher: Searcher) -> None:
    """Lost, won, moved and reworded answers are told apart, the lost ones first; what stays is not listed."""
    dibao, medical, _rights = tiny_sheets()
    jobs = parse_text(
        sheet_text("jobs", "公益岗", sections=section_text("how", "公益岗怎么报", "报公益岗。", "公益岗怎么报 | 想做保洁员"))
    )
    benefit = section_text("benefit", "住院报销多少", "看级别。", " | ".join(medical.sections[0].asked))
    worded = parse_text(sheet_text("medical", "医保和医疗救助", sections=benefit))
    file = tmp_path / "new.db"
    build_index([dibao, worded, jobs], encoder, OUT_OF_SCOPE, file, "fake")
    rows = [
        question("低保怎么申请", "dibao#how"),
        question("住院报销多少", "medical#benefit"),
        question("去哪里投诉", "rights#where"),
        question("公益岗怎么报", "jobs#how"),
    ]
    seen: list[int] = []
    with Searcher(file, encoder) as new:
        result = compare(rows, searcher, new, county=COUNTY, day=DAY, answer_from=0.0, progress=seen.append)
    assert [(change.verdict, change.wanted) for change in result.changes] == [
        ("worse", "rights#where"), ("better", "jobs#how"), ("worded", "medical#benefit"),
    ]  # fmt: skip
    assert (result.asked, result.right_before, result.right_after) == (4, 3, 3)
    assert seen == [1, 2, 3, 4]


def test_golden_questions_are_added_once_and_stay_removed(database: Database) -> None:
    """A county's own question; a double, an empty one and one to nowhere are refused; what is removed does not come back."""
    editor = Account(username="e", name="e", role=EDITOR, region=COUNTY, password_hash="x")
    sheets = tiny_sheets()
    with database.begin() as session:
        session.add(editor)
        session.flush()
        assert golden.seed_questions(session) > 10
        golden.add(session, editor, " 低保怎么办 ", ("dibao", "how"), sheets)
        for said, target, error in [
            ("低保怎么办", ("dibao", "how"), golden.KnownQuestion),
            ("!!", ("dibao", "how"), golden.BadQuestion),
            ("长" * 121, ("dibao", "how"), golden.BadQuestion),
            ("低保", ("dibao", "exit"), golden.NoSuchSection),
            ("低保", ("nothing", "how"), golden.NoSuchSection),
        ]:
            with pytest.raises(error):
                golden.add(session, editor, said, target, sheets)
        own = next(row for row in golden.questions(session) if row.question == "低保怎么办")
        seed = next(row for row in golden.questions(session) if row.region == "45")
        golden.remove(session, editor, own.id)
        golden.remove(session, editor, seed.id)
        assert golden.seed_questions(session) == 0
        assert {own.id, seed.id}.isdisjoint(row.id for row in golden.questions(session))
        golden.add(session, editor, "低保怎么办", ("dibao", "how"), sheets)
        with pytest.raises(golden.NoSuchSection):
            golden.remove(session, Account(role="village", region=COUNTY), own.id)


def test_the_golden_questions_that_come_along_name_real_sections() -> None:
    """Each names a section of a sheet that comes along, and no question stands twice."""
    sheets = {sheet.id: sheet for sheet in load_sheets(PROJECT_ROOT / "knowledge_base" / "sheets") if sheet.region == "45"}
    wanted = yaml.safe_load(golden.SEED.read_text("utf-8"))
    for name in wanted:
        sheet, _, section = name.partition("#")
        assert sheets[sheet].section(section), name
    every = [said for said_all in wanted.values() for said in said_all]
    assert len(every) == len(set(every))
    asked = {line for sheet in sheets.values() for section in sheet.sections for line in section.asked}
    assert not asked & set(every), "a golden question that is an asked-as line proves nothing"
