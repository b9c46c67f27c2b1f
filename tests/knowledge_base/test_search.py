"""Search over a small index: ranking, places, days, topics without a sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.index import build_index
from knowledge_base.search import Searcher
from knowledge_base.sheet import Sheet
from knowledge_base.text import normalise
from knowledge_base.view import View
from tests.fakes import COUNTY, DAY, OUT_OF_SCOPE, VILLAGE, FakeEncoder, parsed, section_text, sheet_text, tiny_sheets

Make = Callable[..., Searcher]
LAST_DAY = date(2025, 12, 31)  # of the county's own sheet


@pytest.fixture(scope="module")
def index_of(tmp_path_factory: pytest.TempPathFactory, encoder: FakeEncoder) -> Iterator[Make]:
    """Makes a searcher over the given sheets."""
    with ExitStack() as stack:

        def make(*sheets: Sheet) -> Searcher:
            file = tmp_path_factory.mktemp("index") / "knowledge.db"
            build_index(list(sheets), encoder, OUT_OF_SCOPE, file, "fake")
            return stack.enter_context(Searcher(file, encoder))

        yield make


@pytest.fixture(scope="module")
def overridden(index_of: Make, tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    """The tiny sheets, and one county's own way to apply, until the end of 2025."""
    return index_of(*tiny_sheets(), local(tmp_path_factory.mktemp("sheets"), effective_to="2025-12-31"))


@pytest.fixture(scope="module")
def bounded(index_of: Make, tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    """One sheet for the whole region, in force from 2024 to 2026."""
    return index_of(local(tmp_path_factory.mktemp("sheets"), region="45", effective_to="2026-12-31"))


@pytest.fixture(scope="module")
def elsewhere(index_of: Make, tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    """One sheet of one county, and nothing else."""
    return index_of(local(tmp_path_factory.mktemp("sheets")))


def local(directory: Path, *, region: str = COUNTY, **more: str) -> Sheet:
    """A sheet 农村低保 of one place, with one section 怎么申请."""
    sections = section_text("how", "低保怎么申请", f"{region}的办法。", "低保怎么申请 | 怎样办低保", "到窗口。")
    return parsed(directory, sheet_text("dibao", "农村低保", region=region, sections=sections, **more), region)


@pytest.mark.parametrize(
    ("question", "sheet", "key"),
    [
        ("低保怎么申请", "dibao", "how"),
        ("低保領多少錢", "dibao", "benefit"),
        ("住院报销多少", "medical", "benefit"),
        ("住院花了五万怎么办", "medical", "how"),
        ("举报找谁", "rights", "where"),
        ("有人喊我转账", "rights", "general"),
    ],
)
def test_an_asked_as_line_finds_its_section(searcher: Searcher, question: str, sheet: str, key: str) -> None:
    """A question that an editor foresaw, also in traditional characters, finds its section first."""
    best = searcher.search(question, day=DAY).hits[0]
    assert (best.sheet, best.key) == (sheet, key)


def test_hits_fall_and_are_probabilities(searcher: Searcher) -> None:
    """Hits come best first, no score exceeds the confidence, and both lie between 0 and 1."""
    result = searcher.search("低保怎么申请", day=DAY, limit=4)
    scores = [hit.score for hit in result.hits]
    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] == round(result.confidence, 4) <= 1


def test_a_hit_carries_its_sheet(searcher: Searcher) -> None:
    """A hit has all that an answer shows: title, issuer, sources, days and address."""
    hit = searcher.search("低保怎么申请", day=DAY).hits[0]
    assert (hit.sheet_title, hit.issuer, hit.short, hit.url) == (
        "农村低保",
        "县民政局",
        "低保到村里申请。",
        "/sheets/45/dibao#how",
    )
    assert (hit.effective_from, hit.reviewed_on, hit.sources[0].number) == ("2024-01-01", "2026-01-02", "S01")


def test_a_vector_at_hand_is_used(searcher: Searcher, encoder: FakeEncoder) -> None:
    """With the caller's vector the encoder is not asked again, and the result is the same."""
    vector = encoder.question(normalise("低保怎么申请"))
    expected = searcher.search("低保怎么申请", day=DAY)
    encoder.seen.clear()
    assert searcher.search("低保怎么申请", vector=vector, day=DAY) == expected
    assert encoder.seen == []


def test_a_question_within_scope_is_surer(searcher: Searcher) -> None:
    """A question of the sheets has more confidence than one out of their scope."""
    assert searcher.search("低保怎么申请", day=DAY).confidence > 0.5 > searcher.search("足球哪个赢", day=DAY).confidence


@given(st.text(max_size=60))
def test_any_question_may_be_asked(searcher: Searcher, text: str) -> None:
    """No text breaks the search, not even the full text's own operators."""
    for question in (text, f'"{text}" OR NEAR({text}*', ""):
        result = searcher.search(question, day=DAY)
        assert 0 <= result.confidence <= 1


@pytest.mark.parametrize(
    ("place", "answered_by"),
    [(None, "45"), ("45", "45"), (COUNTY, COUNTY), (VILLAGE, COUNTY), ("450482", "45"), ("450482100201", "45")],
)
def test_a_county_overrides_the_region(overridden: Searcher, place: str | None, answered_by: str) -> None:
    """A county's own section answers there and below, the region's everywhere else."""
    assert overridden.search("低保怎么申请", region=place, day=LAST_DAY).hits[0].region == answered_by


def test_only_the_same_section_is_overridden(overridden: Searcher) -> None:
    """A section that the county's sheet does not have still comes from the region's."""
    assert {(hit.key, hit.region) for hit in overridden.siblings("dibao", VILLAGE, LAST_DAY)} == {
        ("how", COUNTY),
        ("benefit", "45"),
    }


def test_another_countys_sheet_never_answers(elsewhere: Searcher) -> None:
    """A sheet of one county is not shown in another, nor where no place is known."""
    assert elsewhere.search("低保怎么申请", region="450482", day=DAY).hits == []
    assert elsewhere.search("低保怎么申请", day=DAY).confidence == 0
    assert elsewhere.section("dibao", "how", "450482", DAY) is None
    assert elsewhere.sheet_titles(None, DAY) == []
    assert elsewhere.sheet_titles(COUNTY, DAY) == [("dibao", "农村低保", COUNTY)]


@pytest.mark.parametrize(
    ("day", "answers"),
    [(date(2023, 12, 31), False), (date(2024, 1, 1), True), (date(2026, 12, 31), True), (date(2027, 1, 1), False)],
)
def test_an_expired_or_future_sheet_never_answers(bounded: Searcher, day: date, answers: bool) -> None:
    """A sheet answers from its first to its last day, by search, by name and in the list."""
    assert bool(bounded.search("低保怎么申请", day=day).hits) is answers
    assert (bounded.section("dibao", "how", None, day) is not None) is answers
    assert bool(bounded.siblings("dibao", None, day)) is answers
    assert bool(bounded.sheet_titles(None, day)) is answers


def test_an_expired_override_gives_way(overridden: Searcher) -> None:
    """When the county's sheet has expired the region's answers again."""
    assert overridden.search("低保怎么申请", region=VILLAGE, day=LAST_DAY).hits[0].region == COUNTY
    assert overridden.search("低保怎么申请", region=VILLAGE, day=DAY).hits[0].region == "45"


def test_a_topic_without_a_sheet_is_named(searcher: Searcher) -> None:
    """A question about a topic whose sheet is not written is told apart; one that a sheet treats is not."""
    assert searcher.search("危房改造怎么申请", day=DAY).missing == "农村危房改造"
    assert searcher.search("低保怎么申请", day=DAY).missing is None


def test_a_topic_may_have_a_stand_in(searcher: Searcher) -> None:
    """A topic with a nearest sheet is answered from that sheet first."""
    result = searcher.search("高血压吃药怎么报", day=DAY, limit=6)
    assert result.missing is None
    assert result.hits[0].sheet == "medical"


def test_a_question_that_names_the_found_topic_too_is_answered(searcher: Searcher) -> None:
    """«低保» beside «学费» keeps the sheet on 低保."""
    result = searcher.search("低保户学费怎么申请低保", day=DAY)
    assert (result.hits[0].sheet, result.missing) == ("dibao", None)


def test_a_sheet_outside_the_list_of_topics_is_searched(index_of: Make, tmp_path: Path) -> None:
    """A county may add a sheet that the list of topics does not know; questions about other topics do not break on it."""
    sections = section_text("how", "祭祖用火", "去村委登记。", "祭祖用火怎么报 | 上山烧纸", "先登记。")
    searcher = index_of(parsed(tmp_path, sheet_text("local-fire", "祭祖用火", sections=sections), name="local-fire"))
    assert searcher.search("危房改造怎么报", day=DAY).missing == "农村危房改造"
    assert searcher.search("上山烧纸", day=DAY).hits[0].sheet == "local-fire"


def test_sections_are_found_by_name(searcher: Searcher) -> None:
    """A section and a sheet's facts are found by name, unknown ones are not."""
    hit = searcher.section("medical", "how", VILLAGE, DAY)
    assert hit is not None
    assert (hit.title, hit.score) == ("医疗救助怎么办", 1.0)
    assert searcher.section("medical", "exit", VILLAGE, DAY) is None
    facts = searcher.sheet("medical", "45")
    assert (facts.document, facts.effective_to, facts.contacts) == ("桂民规〔2024〕1号", None, ["village", "12345"])
    with pytest.raises(LookupError):
        searcher.sheet("medical", COUNTY)


def test_only_the_view_is_ranked(searcher: Searcher, encoder: FakeEncoder) -> None:
    """A ranking has one value a section of its view, and a tie goes to the section that stands first."""
    view = View(np.array([1, 4]), np.array([True, False]))
    ranked = searcher.rank("低保领多少钱", encoder.question("低保领多少钱"), view)
    assert (len(ranked.total), ranked.best(5), ranked.best(5, view.in_force)) == (2, [0, 1], [0])
    assert replace(ranked, total=np.zeros(2)).best(1) == [0]


def test_words_alone_are_found(searcher: Searcher) -> None:
    """The full text scores sections that share a word, and others with nothing."""
    scores = searcher.words.ask("转账").scores
    found = {(place.sheet, place.key) for place, score in zip(searcher.places, scores, strict=True) if score > 0}
    assert found == {("rights", "general")}
    assert not searcher.words.ask("？！").scores.any()


# --- questions in two parts ---


@pytest.mark.parametrize(
    ("question", "first", "second"),
    [
        ("低保怎么申请，举报找谁", ("dibao", "how"), ("rights", "where")),
        ("住院报销多少？还有低保怎么申请", ("medical", "benefit"), ("dibao", "how")),
    ],
)
def test_a_question_in_two_parts_has_two_answers(
    searcher: Searcher, question: str, first: tuple[str, str], second: tuple[str, str]
) -> None:
    """Both sections answer, whichever fits the whole better first, and stand before all others."""
    result = searcher.search(question, day=DAY)
    assert result.second is not None
    assert {result.hits[0].name, result.hits[1].name} == {first, second}
    assert result.second == result.hits[1]
    assert len({hit.name for hit in result.hits}) == len(result.hits)


@pytest.mark.parametrize(
    "question",
    ["低保怎么申请", "低保怎么申请，怎样办低保", "低保怎么申请，足球哪个赢", "低保怎么申请，火车几点开", "我很穷，低保怎么申请"],
)
def test_one_question_has_one_answer(searcher: Searcher, question: str) -> None:
    """The same asked twice, a part out of scope, or a tale before the question make no second answer."""
    assert searcher.search(question, day=DAY).second is None


# --- what comes later ---


@pytest.fixture(scope="module")
def renewed(index_of: Make, tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    """The tiny sheets, and one county's own way to apply from 2027 on."""
    return index_of(*tiny_sheets(), local(tmp_path_factory.mktemp("sheets"), effective_from="2027-01-01"))


def test_what_comes_later_is_told_apart(renewed: Searcher) -> None:
    """Before its day a county's section is named as coming and the region's answers; from that day on it answers itself."""
    before = renewed.search("低保怎么申请", region=VILLAGE, day=date(2026, 12, 31))
    assert (before.hits[0].region, before.coming and before.coming.region) == ("45", COUNTY)
    assert before.coming is not None
    assert before.coming.effective_from == "2027-01-01"
    since = renewed.search("低保怎么申请", region=VILLAGE, day=date(2027, 1, 1))
    assert (since.hits[0].region, since.coming) == (COUNTY, None)


def test_what_comes_later_concerns_its_place_and_section_only(renewed: Searcher) -> None:
    """Elsewhere nothing is announced, nor with an answer that stays as it is."""
    assert renewed.search("低保怎么申请", day=DAY).coming is None
    assert renewed.search("低保领多少钱", region=VILLAGE, day=DAY).coming is None


def test_a_sheet_that_is_wholly_to_come_is_announced(bounded: Searcher) -> None:
    """With nothing in force there is no hit, only what comes."""
    result = bounded.search("低保怎么申请", day=date(2023, 12, 31))
    assert (result.hits, result.coming and result.coming.name) == ([], ("dibao", "how"))


def test_threads_may_search_at_once(searcher: Searcher) -> None:
    """Many threads on one searcher get what one would."""
    from concurrent.futures import ThreadPoolExecutor

    questions = ["低保怎么申请", "举报找谁", "住院报销多少"] * 8
    expected = [searcher.search(question, day=DAY) for question in questions]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda question: searcher.search(question, day=DAY), questions)) == expected
