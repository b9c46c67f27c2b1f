"""What villagers type as answers to a pre-check's questions: «是», «没有», «三万», «第二个», «不知道»."""

from __future__ import annotations

import re

import cn2an

from knowledge_base.condition import Value
from knowledge_base.criteria import Question
from knowledge_base.precheck import BadAnswer, checked_number
from knowledge_base.text import normalise

LONGEST = 24  # characters: what is longer tells a story or asks something
_UNKNOWN = re.compile(
    r"(我|也|真|还)*(不|唔|没)(太|大|怎么)?(知道|清楚|晓得|记得|知|懂|确定)|(说|讲|算|记)(不|唔)(准|清|来|得|出)"
)
_LEAVE = re.compile(r"(先|就)?(不|唔)(查|答|做|填|自查)(了|啦|先)?|算了?|退出|停(下)?(来|了)?|结束|不想(查|答)了?")
_QUESTION = re.compile(r"[?？]|吗|怎么|多少|几多|几时|哪里|什么|谁|能不能|可不可以|是不是|要不要|有没有|点样|为什么")
_NO = re.compile(r"不是|没有|没得|没|无|不|否")
_YES = re.compile(r"是|有|对|系|得|嗯|会|要")
_TAIL = re.compile(r"[,，。.!！ ~啊呀呢吧的了啦哦嘛]+$")
_AMOUNT = re.compile(
    r"(?:大概|大约|差不多|约|可能|应该|有|是|全家|一共|总共|一年|家里|我家)*"
    r"(?P<number>[0-9][0-9,，]*(?:\.[0-9]+)?[十百千万]*[0-9一二两三四五六七八九]?[百千]?|[零〇一二两三四五六七八九十百千万]+)"
    r"(?:多|来|几)?(?:元|块钱|块|口人|口|个人|人|个)?(?:左右|上下|样子)?"
)
_ORDER = re.compile(r"第?(?P<place>[1-9一二三四五六七八九])个?")
_DIGITS = "一二三四五六七八九"


def wants_to_leave(text: str) -> bool:
    """Whether a text says that one wants to stop the pre-check."""
    return _LEAVE.fullmatch(_plain(text)) is not None


def read_typed(question: Question, text: str) -> Value | None:
    """A typed answer, None for «不知道». Raises BadAnswer when it is none, such as a question of one's own."""
    said = _plain(text)
    if not said or len(said) > LONGEST or _QUESTION.search(text):
        raise BadAnswer
    if _UNKNOWN.fullmatch(said):
        return None
    if question.type == "yesno":
        return _yes_or_no(said)
    return _choice(question, said) if question.type == "choice" else _number(question, said)


def is_answer(question: Question, text: str) -> bool:
    """Whether a typed text answers a question."""
    try:
        read_typed(question, text)
    except BadAnswer as error:
        return str(error) != str(BadAnswer())  # a number out of bounds is an answer, to be asked again
    return True


def _plain(text: str) -> str:
    return _TAIL.sub("", normalise(text).strip())


def _yes_or_no(said: str) -> bool:
    if len(said) <= 10:  # a longer sentence is better asked about than guessed at
        for pattern, value in ((_NO, False), (_YES, True)):
            if pattern.match(said):
                return value
    raise BadAnswer


def _choice(question: Question, said: str) -> str:
    options = question.options or {}
    order = _ORDER.fullmatch(said)
    if order is not None:
        place = _DIGITS.index(order["place"]) if order["place"] in _DIGITS else int(order["place"]) - 1
        if place < len(options):
            return list(options)[place]
        raise BadAnswer
    if said in ("没有", "没", "都没有", "没得", "无") and "none" in options:
        return "none"
    near = [key for key, title in options.items() if len(said) >= 2 and (said in normalise(title) or normalise(title) in said)]
    if len(near) == 1:
        return near[0]
    raise BadAnswer


def _number(question: Question, said: str) -> int:
    if said in ("没有", "没", "没得", "无", "零") and question.least == 0:
        return 0
    amount = _AMOUNT.fullmatch(said)
    if amount is None:
        raise BadAnswer
    try:
        value = float(cn2an.cn2an(re.sub("[,，]", "", amount["number"]).replace("〇", "零"), "smart"))
    except ValueError:
        raise BadAnswer from None
    return checked_number(question, int(value))
