"""The self-report's dialogue: what is asked, what fits, and that it always comes to its end."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.reading import find_phone
from bot.report import CHOICES, SLOTS, TRIES, Draft, ReportDialogue
from bot.texts import Texts
from core.regions import Region, Regions, load_regions
from tests.fakes import COUNTY, TOWN, VILLAGE

DIALOGUE = ReportDialogue(load_regions(), COUNTY)
# seven villages of one name, one in each town
TWINS = ReportDialogue(
    Regions(
        [Region("450000", "4500", "county", "试县")]
        + [Region(f"45000000{number}", "450000", "township", f"{'东南西北中上下'[number]}河镇") for number in range(7)]
        + [Region(f"45000000{number}201", f"45000000{number}", "village", "和平村村委会") for number in range(7)]
    ),
    "450000",
)
LINES = st.text(min_size=1, max_size=60) | st.sampled_from(
    [
        "探花村",
        "岑城镇探花村",
        "善村",
        "13800138000",
        "没有电话",
        "我要报困难",
        "怎么办？",
        "老公住院花了五万",
        "不知道",
        "广东",
        "。",
    ]
)


def asked(slot: str, tries: int = 1, **known: str) -> Draft:
    """A draft that was just asked for a slot."""
    return Draft(asked=slot, tries=tries, **known)


@pytest.mark.parametrize(
    ("text", "event", "place", "contact"),
    [
        ("老公住院花了五万", "老公住院花了五万", "", ""),
        ("我要报困难", "", "", ""),
        ("继续", "", "", ""),
        ("我家在岑城镇探花村，老公住院了，电话13800138000", "all", "岑溪市岑城镇探花村", "+8613800138000"),
        ("善村有人病了，没钱医", "all", "岑溪市马路镇善村", ""),
    ],
)
def test_the_first_message_may_say_it_all(text: str, event: str, place: str, contact: str) -> None:
    """What happened, the village and the number are taken out of the message that starts the report."""
    draft = DIALOGUE.begin(text, COUNTY)
    assert (draft.event, draft.place, draft.contact) == (text if event == "all" else event, place, contact)
    assert draft.said == [text]


def test_a_known_village_is_not_asked_for() -> None:
    """The village that the page knows is taken, a town or county is not enough."""
    assert DIALOGUE.begin("我要报困难", VILLAGE).region == VILLAGE
    assert not DIALOGUE.begin("我要报困难", TOWN).has("place")


def test_the_questions_come_in_order() -> None:
    """Event, place and contact are asked for one after the other, each with a text that exists."""
    draft = DIALOGUE.begin("我要报困难", COUNTY)
    questions = []
    for answer in ("老公住院花了五万", "岑城镇探花村", "13800138000"):
        questions.append(DIALOGUE.ask(draft, counting=True))
        DIALOGUE.take(draft, answer)
    assert questions == ["ask_event", "ask_place", "ask_contact"]
    assert all(question in Texts() for question in questions)
    assert draft.missing is None
    assert DIALOGUE.ask(draft, counting=True) == ""
    assert (draft.event, draft.region, draft.contact) == ("老公住院花了五万", VILLAGE, "+8613800138000")
    assert draft.said == ["我要报困难", "老公住院花了五万", "岑城镇探花村", "13800138000"]


def test_a_number_that_comes_early_is_kept() -> None:
    """A phone number said beside another answer is not asked for again."""
    draft = asked("event")
    DIALOGUE.take(draft, "老公住院了，打13800138000找我")
    assert draft.has("contact")
    DIALOGUE.ask(draft, counting=True)
    DIALOGUE.take(draft, "探花村")
    assert draft.missing is None


@pytest.mark.parametrize(
    ("slot", "text", "fits"),
    [
        ("contact", "13800138000", True),
        ("contact", "没有", True),
        ("contact", "没有电话", True),
        ("contact", "低保怎么申请", False),
        ("contact", "我们村没有路灯，这个事情应该找哪个部门反映", False),
        ("place", "探花村", True),
        ("place", "岑城镇探花", True),
        ("place", "大山村", True),
        ("place", "探花村的低保怎么办", True),
        ("place", "什么是防返贫监测村", False),
        ("place", "低保怎么办", False),
        ("place", "北京", False),
        ("event", "老公住院花了五万", True),
        ("event", "住院怎么报销", False),
        ("event", "我要报困难", False),
        ("", "老公住院花了五万", False),
    ],
)
def test_an_answer_is_told_from_a_question(slot: str, text: str, fits: bool) -> None:
    """What answers the open question fits, another question or wish does not."""
    assert DIALOGUE.fits(asked(slot), text) is fits


@pytest.mark.parametrize(
    ("text", "bare"), [("继续", True), ("我要报困难", True), ("我想申报监测户。", True), ("老公住院", False), ("探花村", False)]
)
def test_a_bare_wish_says_nothing_else(text: str, bare: bool) -> None:
    """Only a text that wants to report and says nothing more is a bare wish."""
    assert DIALOGUE.is_bare_wish(text) is bare


@pytest.mark.parametrize(
    ("slot", "nonsense", "again"),
    [("event", "我", "ask_event"), ("place", "北京", "ask_place_again"), ("contact", "随便", "ask_contact_again")],
)
def test_what_does_not_fit_is_asked_again_once(slot: str, nonsense: str, again: str) -> None:
    """The first try that does not fit is asked again, the second is taken as it is."""
    known = {"event": "病", "region": VILLAGE, "contact": "+86110"}
    draft = Draft(**{field: value for field, value in known.items() if field != {"place": "region"}.get(slot, slot)})
    DIALOGUE.ask(draft, counting=True)
    DIALOGUE.take(draft, nonsense)
    assert not draft.has(slot)
    assert DIALOGUE.ask(draft, counting=True) == again
    assert again in Texts()
    assert draft.tries == TRIES
    DIALOGUE.take(draft, nonsense)
    assert draft.has(slot)


def test_an_interruption_costs_no_try() -> None:
    """A question asked in between puts the same question again without counting."""
    draft = asked("place", event="病")
    for _ in range(5):
        DIALOGUE.ask(draft, counting=False)
    assert draft.tries == 1


def test_a_place_outside_the_county_goes_to_the_county() -> None:
    """Words that are no village of ours are kept, and the case goes to the county's queue."""
    draft = asked("place", tries=TRIES, event="病")
    DIALOGUE.take(draft, "广东打工")
    assert (draft.region, draft.place) == (COUNTY, "广东打工")


def test_an_ambiguous_village_is_offered() -> None:
    """Villages of one name are offered as choices, six at most, and a choice settles it."""
    draft = asked("place", event="病")
    TWINS.take(draft, "和平村")
    assert not draft.has("place")
    assert TWINS.ask(draft, counting=True) == "ask_place_which"
    options = TWINS.options(draft)
    assert len(options) == CHOICES
    TWINS.choose_place(draft, options[2].code)
    assert (draft.region, draft.place, draft.choices) == (options[2].code, "试县西河镇和平村", [])


def test_an_ambiguous_village_can_be_told_in_words() -> None:
    """The town said after the question settles it too."""
    draft = asked("place", event="病")
    TWINS.take(draft, "和平村")
    TWINS.ask(draft, counting=True)
    TWINS.take(draft, "北河镇和平村")
    assert draft.region == "450000003201"


@pytest.mark.parametrize("code", ["", "x", COUNTY, TOWN, "450482100201", "999999999999"])
def test_only_a_village_of_the_county_can_be_chosen(code: str) -> None:
    """A button's payload that is no village of this county changes nothing."""
    draft = asked("place", event="病")
    before = draft.as_json()
    DIALOGUE.choose_place(draft, code)
    assert draft.as_json() == before


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("13800138000", "+8613800138000"),
        ("我的电话是13800138000谢谢", "+8613800138000"),
        ("打138 0013 8000找我", "+8613800138000"),
        ("打138-0013-8000找我", "+8613800138000"),
        ("+86 138 0013 8000", "+8613800138000"),
        ("0774-8212345", "+867748212345"),
        ("老公13800138000，我13900139000", "+8613800138000"),
        ("1380013800", ""),
        ("138001380000", ""),
        ("450481199001011234", ""),
        ("没有", ""),
        ("花了50000块", ""),
        ("", ""),
    ],
)
def test_phones_are_found_between_characters(text: str, phone: str) -> None:
    """A Chinese number is found in a sentence, with blanks or dashes; other long numbers are none."""
    assert find_phone(text) == phone


@given(st.text(), st.sampled_from(["13800138000", "18677412345"]), st.text("我的电话是打，。", max_size=5))
def test_a_number_among_chinese_is_always_found(before: str, phone: str, after: str) -> None:
    """A mobile number between Chinese characters is found whatever stands further off."""
    assert find_phone(f"{re.sub('[0-9]|[^一-龥]', '', before)}{phone}{after}") == f"+86{phone}"


@given(st.text() | st.text("0123456789-+ ()１٣电话", max_size=40))
@example("电1٣٣٣٣٣٣٣٣٣٣话")
@example("电13٣٣٣٣٣٣٣٣٣话")
def test_any_text_gives_a_number_or_none(text: str) -> None:
    """What comes out of any text is nothing or a number that can be dialled."""
    assert re.fullmatch(r"(\+[0-9]{5,17})?", find_phone(text))


@given(
    LINES,
    st.lists(LINES, min_size=2 * TRIES * len(SLOTS), max_size=2 * TRIES * len(SLOTS)),
    st.sampled_from([COUNTY, TOWN, VILLAGE, ""]),
)
def test_any_conversation_ends_with_a_complete_report(first: str, answers: list[str], region: str) -> None:
    """Whatever a villager says, after two tries a question the report is complete."""
    draft = DIALOGUE.begin(first, region)
    steps = 0
    while DIALOGUE.ask(draft, counting=True):
        DIALOGUE.fits(draft, answers[steps])
        DIALOGUE.take(draft, answers[steps])
        steps += 1
        assert steps <= TRIES * len(SLOTS) + 2  # a village or a number told elsewhere is no failed try
    assert draft.missing is None
    assert draft.said == [first, *answers[:steps]]


@given(st.lists(st.tuples(LINES, st.booleans(), st.booleans()), max_size=12))
def test_a_draft_survives_storage_at_any_moment(steps: list[tuple[str, bool, bool]]) -> None:
    """Stored and read again after each step, also with interruptions and buttons, the draft is the same."""
    draft = TWINS.begin("我要报困难", "450000")
    for text, interrupted, chooses in steps:
        TWINS.ask(draft, counting=not interrupted)
        if chooses:
            TWINS.choose_place(draft, text)
        elif not interrupted:
            TWINS.take(draft, text)
        again = Draft.from_json(draft.as_json())
        assert again == draft
        assert (again.missing is None) == all(again.has(slot) for slot in SLOTS)
        assert all(option.level == "village" for option in TWINS.options(again))
