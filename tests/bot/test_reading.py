"""What a text plainly says, and what it does not say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import reading
from bot.texts import Texts
from cadres.case import number_of
from channels.message import Button

BUTTONS = [Button("低保怎么申请", "a"), Button("家里没有大人", "b"), Button("确认退订", "c")]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("T", "opt_out"),
        ("td", "opt_out"),
        ("【县政府】退 订。", "opt_out"),
        ("ＴＤ", "opt_out"),
        ("拒收!", "opt_out"),
        ("訂閱", "opt_in"),
        ("START", "opt_in"),
        ("我想退订报纸服务怎么办", ""),
        ("退订短信", ""),
        ("td1", ""),
        ("", ""),
        ("1", ""),
    ],
)
def test_fixed_words_are_the_whole_text(text: str, word: str) -> None:
    """Signature, blanks, width, case and punctuation do not matter; any other word does."""
    assert reading.opt_word(text) == word


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("1", "a"),
        ("１", "a"),
        ("一", "a"),
        ("第二个", "b"),
        ("选2", "b"),
        ("我要第三个", "c"),
        ("确认退订", "c"),
        ("没有大人", "b"),
        ("4", None),
        ("0", None),
        ("12", None),
        ("一口", None),
        ("怎么", None),
        ("", None),
        ("二十", None),
    ],
)
def test_a_choice_is_a_number_or_the_words_on_it(text: str, payload: str | None) -> None:
    """Digits, Chinese numbers and a button's own words choose; nothing else does."""
    chosen = reading.choice(text, BUTTONS)
    assert (chosen.payload if chosen else None) == payload


@given(st.text(max_size=12), st.lists(st.builds(Button, st.text(max_size=8), st.just("x")), max_size=5))
def test_any_text_chooses_one_of_the_buttons_or_none(text: str, buttons: list[Button]) -> None:
    """Whatever is written, what is chosen was offered."""
    chosen = reading.choice(text, buttons)
    assert chosen is None or chosen in buttons


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("不是三口，是四口", "四口"),
        ("电话写错了，是13900139000", "13900139000"),
        ("不是探花村，是善村", "善村"),
        ("改成善村", "善村"),
        ("我说错了是五口人", "五口人"),
        ("電話寫錯了，是13900139000", "13900139000"),
        ("三口", ""),
        ("是不是搞错了，我是贫困户啊？", ""),
        ("不是我的", ""),
        ("", ""),
    ],
)
def test_a_correction_says_what_it_should_be(text: str, new: str) -> None:
    """The new value is found; a question is no correction."""
    assert reading.correction(text) == new


@pytest.mark.parametrize(
    ("text", "slot"),
    [("电话写错了", "contact"), ("村搞错了", "place"), ("人口不对", "household"), ("错了", ""), ("电话错了吗", "")],
)
def test_what_is_wrong_is_named(text: str, slot: str) -> None:
    """«电话写错了» names the slot that is asked again."""
    assert reading.wrong_slot(text) == slot


@pytest.mark.parametrize(
    ("text", "whom"),
    [
        ("帮隔壁阿婆报", "隔壁阿婆"),
        ("替我叔报一下", "我叔"),
        ("帮村里的五保户老李报困难", "村里的五保户老李"),
        ("隔壁阿婆没饭吃", "隔壁阿婆"),
        ("我是网格员，黄伯家房子塌了", "别人"),
        ("帮我报上去", ""),
        ("帮我妈报", ""),
        ("帮我家报一下", ""),
        ("求政府帮帮我们家", ""),
        ("我妈中风瘫了，欠了很多钱，帮我报上去", ""),
        ("帮忙报一下", ""),
        ("麻烦帮我老公申报", ""),
        ("帮我登记", ""),
    ],
)
def test_who_reports_for_others_says_for_whom(text: str, whom: str) -> None:
    """A neighbour or cadre reports for others; who reports for their own family does not."""
    assert reading.proxy_for(text) == whom


@pytest.mark.parametrize(
    ("text", "child"),
    [
        ("我今年12岁，爸爸生病了", True),
        ("我才十岁", True),
        ("我读三年级", True),
        ("我十三岁", True),
        ("我今年40岁", False),
        ("我14岁", False),
        ("我二十三岁", False),
        ("我五十岁", False),
        ("我儿子12岁", False),
        ("我孙子才5岁", False),
        ("我们家孩子10岁", False),
        ("我读初中", False),
        ("", False),
    ],
)
def test_a_child_says_its_age(text: str, child: bool) -> None:
    """Only the writer's own age counts, below 14."""
    assert reading.is_child(text) is child


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("上一步", "back"),
        ("返回", "back"),
        ("跳过", "skip"),
        ("不知道", "skip"),
        ("唔想讲", "skip"),
        ("不说了", "stop"),
        ("就这些", "stop"),
        ("我不同意", "disagree"),
        ("我要撤回", "withdraw"),
        ("低保怎么办", ""),
        ("能撤回吗", ""),
        ("不同意评议结果怎么申诉，去哪里", ""),
    ],
)
def test_wishes_inside_a_report(text: str, said: str) -> None:
    """Each wish is heard as itself and as no other."""
    heard = {
        "back": reading.goes_back(text),
        "skip": reading.skips(text),
        "stop": reading.stops(text),
        "disagree": reading.disagrees(text) and len(text) < 10,
        "withdraw": reading.withdraws(text),
    }
    assert [name for name, is_said in heard.items() if is_said] == ([said] if said else [])


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("我要补充，我妈也病了", "我妈也病了"),
        ("补充一下：家里有个残疾的", "家里有个残疾的"),
        ("我要补充", ""),
        ("补充材料怎么交", None),
        ("低保", None),
    ],
)
def test_an_addition_begins_with_the_word(text: str, added: str | None) -> None:
    """«我要补充 …» adds what follows it."""
    assert reading.adds(text) == added


@given(st.integers(1, 10**8))
def test_a_case_number_is_found_in_a_sentence(case_id: int) -> None:
    """A number whose check digit fits is found; four digits beside it are the phone's."""
    number = number_of(case_id)
    assert reading.find_case_number(f"我的{number}怎么样了") == (number if len(number) <= 10 else "")
    assert reading.find_last_four(f"编号{number}，后四位8000".replace(number, " ")) == "8000"


def test_other_digits_are_no_case_number() -> None:
    """A sum or a phone number is none, unless it is called one."""
    for text in ("花了50000元", "13800138000", "450481199001011234", "2026年", ""):
        assert reading.find_case_number(text) == ""
    assert reading.find_case_number("编号123456") == "123456"


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    """No text breaks a reader, and what is said back is short."""
    for read in (
        reading.opt_word,
        reading.refuses_own_news,
        reading.is_choice,
        reading.find_phone,
        reading.find_case_number,
        reading.find_last_four,
        reading.goes_back,
        reading.skips,
        reading.stops,
        reading.disagrees,
        reading.withdraws,
        reading.adds,
        reading.correction,
        reading.wrong_slot,
        reading.find_household,
        reading.is_child,
    ):
        read(text)
    assert len(reading.proxy_for(text)) <= 20
    assert "report_notice" in Texts()


@pytest.mark.parametrize(
    "text", ["低保几多钱", "报过没报过", "给不给补", "这样算唔算", "还要等好久？", "先去哪凯报", "残疾人有得没"]
)
def test_what_asks_has_the_form_of_a_question(text: str) -> None:
    """Question words, A-not-A and particles at the end, in dialect too."""
    assert reading.asks(text)


@pytest.mark.parametrize("text", ["我家没钱了", "老公住院花了五万", "村里收了我两百块"])
def test_what_tells_does_not_ask(text: str) -> None:
    """A tale has none of them."""
    assert not reading.asks(text)


@pytest.mark.parametrize(
    ("text", "begs"),
    [
        ("我妈病了半年钱都花光了，想请政府帮忙", True),
        ("家里实在难，求你们帮帮我们一家人", True),
        ("爸爸瘫了没人做工，麻烦帮我家登记", True),
        ("求帮助", False),  # tells nothing: left to NLU
        ("老人一个人在家，怎么帮她登记低保啊", False),
        ("上回帮我家登记的那件事，现在怎样", False),
        ("物业乱收费，反映了没人理，希望你们管一管", False),
        ("我爸倒在屋里没起来，求你们喊人去看看", False),  # danger is heard by others
    ],
)
def test_a_plea_is_told_from_questions_complaints_and_danger(text: str, begs: bool) -> None:
    """Who begs for a household reports; who asks how, speaks of before or accuses does not."""
    assert reading.pleads(text) is begs


@pytest.mark.parametrize(
    ("text", "accuses"),
    [
        ("村里收我五百块，我要投诉", True),
        ("我想告他们", True),
        ("我要举报村干部打哪个电话", False),
        ("我要投诉会不会被报复", False),
    ],
)
def test_a_complaint_that_names_itself_is_known(text: str, accuses: bool) -> None:
    """«我要投诉» is a complaint; asking where or whether to complain is a question."""
    assert reading.accuses(text) is accuses
