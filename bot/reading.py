"""What a text plainly says, without any classifier: a number, a choice, a correction, a wish to go back or to stop.

Each function looks for one thing and gives nothing where it is not said plainly: what is left goes to NLU.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import phonenumbers

from cadres.case import id_of
from channels.message import Button
from knowledge_base.text import simplify

QUESTION = re.compile(
    r"[?？]|吗|怎么|多少|几多|几时|哪|什么|为何|边个|边度|谁|能不能|可不可以|得不得|是不是|要不要|有没有|点样|点解"
)
_A_NOT_A = re.compile(r"([\u4e00-\u9fff]{1,2})[不没冇唔]\1")  # 给不给, 得唔得, 报过没报过
_ACCUSES = re.compile(r"(我|要|想|必须)(去)?(投诉|举报|告状|告他|告你们|告佢)|投诉你们|向上反映")
_ASKS_AT_END = re.compile(r"(没有?|冇|未|不|唔|咩|哪里|几多|嘛|呢)[。!！,，~ ]*$")
_PUNCTUATION = re.compile(r"[\s,，。.!！~、;；:：?？…\"'“”‘’()（）]+")


def asks(text: str) -> bool:
    """Whether a text has the form of a question."""
    return any(pattern.search(text) for pattern in (QUESTION, _A_NOT_A, _ASKS_AT_END))


_PLEADS = re.compile(
    r"(想|要|求|请|麻烦|希望|盼)(你们|您们|您|政府|村里|国家|上面|有人|干部|领导|镇里){1,2}(来|能|可以|们)?"
    r"(帮|救|管|登记|看看|解决|照顾|关心|伸)|"
    r"帮(帮|一下|下)?(我|他|她|佢|老人|阿公|阿婆|邻居)(们|家|屋)*(报|登记|申请|申报|想想?办法|反映)|"
    r"求(求)?(你们|您|政府|救助|帮助|帮忙|帮帮|救济)"
)
_ASKS_HOW = re.compile(r"怎么|怎样|点样|恁子|几时|多久|哪里|哪个|谁|什么|吗|没[?？。]*$|行不|得不|能不能|可不可以|要跑|要走")
# what is told of before, what complains, and what may be danger is left to the classifiers
_NO_PLEA = re.compile(r"上回|上次|那次|投诉|举报|反映|收费|告|倒|昏|晕|血|刀|饿|困住|淹|走了以后|快来|现在|救命|喊")
PLEA = 15  # characters: a plea that tells what for


def pleads(text: str) -> bool:
    """Whether a text begs for help for a household, and neither asks how nor complains."""
    said = simplify(text)
    if len(said) < PLEA or _ASKS_HOW.search(said) or _NO_PLEA.search(said):
        return False
    return _PLEADS.search(said) is not None


def accuses(text: str) -> bool:
    """Whether a text says that it is a complaint, and does not ask how or where to make one."""
    said = simplify(text)
    return (
        _ACCUSES.search(said) is not None and re.search(r"怎么|怎样|点样|哪|什么|谁|边|几|电话|会不会|能不能|可以", said) is None
    )


# --- texts wanted or not -----------------------------------------------------------------------------------------

# The whole text, nothing less: «我想退订报纸怎么办» is a question. Chinese gateways' words, then Twilio's.
_GATEWAYS, _TWILIO = (
    ("t", "td", "r", "n", "退订", "取消订阅", "拒收"),
    ("stop", "stopall", "unsubscribe", "cancel", "end", "quit"),
)
_OPT_OUT = frozenset([*_GATEWAYS, *_TWILIO, "optout", "revoke"])
_OPT_IN = frozenset(["订阅", "恢复订阅", "start", "unstop"])
_SIGNATURE = re.compile(r"【[^】]*】")
_OWN_NEWS_TOO = re.compile(
    r"(我的事|我报的|进度|办理|结果|自己的).{0,6}(也|都)?(别|不要|不用|莫|唔好|不想).{0,4}(发|通知|告诉|讲|收)"
)


def opt_word(text: str) -> str:
    """``opt_out`` or ``opt_in`` where the whole text is one of the fixed words, else nothing."""
    word = _PUNCTUATION.sub("", _SIGNATURE.sub("", unicodedata.normalize("NFKC", simplify(text)))).casefold()
    return "opt_out" if word in _OPT_OUT else "opt_in" if word in _OPT_IN else ""


def refuses_own_news(text: str) -> bool:
    """Whether a text refuses news of one's own report too."""
    return _OWN_NEWS_TOO.search(simplify(text)) is not None


# --- choices -----------------------------------------------------------------------------------------------------

_DIGITS = {**{char: place for place, char in enumerate("一二三四五六七八九", 1)}, "两": 2}
_CHOICE = re.compile(r"(?:我?(?:选|要|回|第|点)+)?([1-9一二三四五六七八九两])(?:个|号|条|样|项|那个)?")


def is_choice(text: str) -> bool:
    """Whether a text can be nothing but the number of a button."""
    return _CHOICE.fullmatch(_PUNCTUATION.sub("", unicodedata.normalize("NFKC", text))) is not None


def choice(text: str, buttons: Sequence[Button]) -> Button | None:
    """The button that a text chooses: «1», «一», «第二个», or the words on it."""
    said = _PUNCTUATION.sub("", unicodedata.normalize("NFKC", simplify(text)))
    number = _CHOICE.fullmatch(said)
    if number:
        place = _DIGITS.get(number[1]) or int(number[1])
        return buttons[place - 1] if place <= len(buttons) else None
    if len(said) < 2:
        return None
    exact = [button for button in buttons if said == button.title]
    fitting = exact or [button for button in buttons if len(said) >= 3 and said in button.title]
    return fitting[0] if len(fitting) == 1 else None


# --- numbers -----------------------------------------------------------------------------------------------------

_LONG_DIGITS = re.compile(r"(?<!\d)\d{6,10}(?!\d)")
_NAMED_NUMBER = re.compile(r"(?:编号|单号)\D{0,4}?(\d{5,12})(?!\d)")
_LAST_FOUR = re.compile(r"(?<!\d)\d{4}(?!\d)")


def find_phone(text: str) -> str:
    """The first Chinese phone number in a text, as E.164, or nothing."""
    text = unicodedata.normalize("NFKC", text)
    for match in phonenumbers.PhoneNumberMatcher(text, "CN"):
        return phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
    # a number that stands between Chinese characters has no word boundary, which the matcher wants
    bare = re.search(r"(?<!\d)1[3-9]\d{9}(?!\d)", re.sub(r"(?<=\d)[ -](?=\d)", "", text))
    return f"+86{bare.group()}" if bare else ""


def find_case_number(text: str) -> str:
    """A number that can be a case's: its check digit fits, or it was called one («编号…»); nothing else."""
    said = unicodedata.normalize("NFKC", text)
    named = _NAMED_NUMBER.search(said)
    for digits in [named[1]] if named else _LONG_DIGITS.findall(said):
        case_id = id_of(digits)
        if named or (case_id is not None and case_id > 0):
            return str(digits)
    return ""


def find_last_four(text: str) -> str:
    """Four digits that stand by themselves, or nothing."""
    found = _LAST_FOUR.search(unicodedata.normalize("NFKC", text))
    return found.group() if found else ""


# --- inside a report ---------------------------------------------------------------------------------------------

_BACK = re.compile(r"(返回|退回|回到?)?上一(步|个|题|条|问)(题)?(吧|先)?|返回|倒回去|后退|退一步|回头(重新)?(讲|说|填)过?")
_SKIP = re.compile(
    r"跳过|略过|下一(个|题|条|问)|(这个)?(不|唔)(想|愿意?|方便)(说|讲|答|填)|(这个)?(不|唔)(知道|晓得|懂|清楚|方便)|不便"
)
_STOP = re.compile(
    r"先?(不|莫|唔)再?(补充?|问|说|讲|填|答)[了啦喇]?|够了|没有?(别的|其他|补充)了?|就(这些|这样|咁)了?|(说|讲)完了?|没了"
)
_DISAGREE = re.compile(r"(我)?(不|唔)同意|不(准|给|让)(你们)?(看|用|存|留)|我?不愿意?(给|让)(你们|干部)看")
_WITHDRAW = re.compile(r"(撤回|撤销|撤掉|收回)")
_ADD = re.compile(r"^(我)?(还)?(要|想|再)?(补充|加一句|加上|添一句)(一下|一点|几句)?[,，:： ]?")
_CORRECTED = (
    re.compile(r"(?:不是|唔系|莫是|不系).{1,20}?[,，。、;； ]+\s*(?:应该)?(?:是|系|要写|写)(?P<new>.+)$"),
    re.compile(
        r"(?:写|讲|说|填|报|打|搞|记|输|弄)错(?:了|咗)?.{0,4}?[,，。、:： ]*(?:应该)?(?:是|系|改成|改为|写|打)(?P<new>.+)$"
    ),
    re.compile(r"(?:改|更正)(?:成|为|做|到|一下[,，]?)(?P<new>.+)$"),
)
_WRONG = re.compile(
    r"(?P<what>电话|号码|手机|村|地址|地方|住址|人口|人数|几口).{0,4}(?:写|讲|说|填|报|打|搞|记|输|弄)?(?:错|不对)"
)
_WRONG_SLOT = {
    **dict.fromkeys(("电话", "号码", "手机"), "contact"),
    **dict.fromkeys(("人口", "人数", "几口"), "household"),
}
_HOUSEHOLD = re.compile(r"(\d{1,2}|[一二两三四五六七八九十]{1,2})\s*(口|个人|个|人|丁)(人)?")
_UNDER_14 = r"(?<![0-9一二三四五六七八九十])(?:[1-9]|1[0-3]|[一二三四五六七八九十]|十[一二三])"
_AGE = re.compile(rf"(?:我|今年|才|刚|满|岁数)[^,，。]{{0,3}}?{_UNDER_14}\s*岁")
_SCHOOL = re.compile(r"我(?:今年|现在|还)?(?:在)?(?:读|上|念)(?:小学|[一二三四五六1-6]年级|幼儿园)|我(?:是|系)(?:个)?小学生")
_RELATIVES = (
    "妈|爸|娘|爹|阿妈|阿爸|老妈|老爸|母亲|父亲|爷爷|奶奶|外公|外婆|公公|婆婆|老公|老婆|丈夫|妻子|儿子|女儿|崽|仔|女|妹|弟|哥|姐"
)
_WHOM = r"(?P<whom>[^,，。!！?？]{1,12}?)"
_NEAR = r"(?:我(?:家|屋)?的?)?(?:隔壁|邻居|对门|同村|村里有(?:个|户)|我们村有(?:个|户))"
_PROXY = (
    re.compile(
        r"(?:帮|替|代|为)"
        r"(?!我(?:家|屋|们|哋)?(?:$|报|申|登|填|反|把|上|写|下|忙|一|看|想|求|查|问))(?!你|忙|扶|助|下|个|一|人报|政府)"
        + _WHOM + r"(?:家|屋里?)?(?:报|申报|申请|登记|反映|求助)"
    ),
    re.compile(
        r"我(?:是|系)(?P<whom>[^,，。]{0,10}?)(?:的)?(?:网格员|村干部|信息员|邻居|志愿者|驻村|帮扶干部|队长|组长)"
    ),
    re.compile(rf"^.{{0,2}}?(?P<whom>{_NEAR}[^,，。!！?？家屋没冇病摔有住]{{0,6}})"),
)  # fmt: skip
_OWN = re.compile(rf"^(?:我|我家|我屋|我的)?(?:{_RELATIVES})$|^(?:我|我们|我家|自己|家里|屋企)$")


def goes_back(text: str) -> bool:
    """«上一步»."""
    return _BACK.fullmatch(_bare(text)) is not None


def skips(text: str) -> bool:
    """«跳过», «不知道», «不想说»."""
    return _SKIP.fullmatch(_bare(text)) is not None


def stops(text: str) -> bool:
    """«不说了», «就这些»: no more questions, please."""
    return _STOP.fullmatch(_bare(text)) is not None


def disagrees(text: str) -> bool:
    """«不同意»: nobody may read it."""
    said = simplify(text)
    return len(said) <= 20 and _DISAGREE.search(said) is not None


def withdraws(text: str) -> bool:
    """«我要撤回», asked for, not asked about."""
    said = simplify(text)
    return len(said) <= 20 and _WITHDRAW.search(said) is not None and QUESTION.search(said) is None


def adds(text: str) -> str | None:
    """What «我要补充 …» adds; empty where only the wish is said, None where it is not said."""
    said = simplify(text)
    found = _ADD.match(said)
    if found is None or (QUESTION.search(said) and len(said) - found.end() < 8):
        return None
    return said[found.end() :].strip()


def correction(text: str) -> str:
    """What a correction says it should be («不是三口，是四口» → «四口»), or nothing."""
    said = simplify(unicodedata.normalize("NFKC", text))
    if QUESTION.search(said):
        return ""
    return next((found["new"].strip() for pattern in _CORRECTED if (found := pattern.search(said))), "")


def wrong_slot(text: str) -> str:
    """The slot that a text calls wrong («电话写错了»), or nothing."""
    said = simplify(text)
    found = _WRONG.search(said) if QUESTION.search(said) is None else None
    return _WRONG_SLOT.get(found["what"], "place") if found else ""


def find_household(text: str) -> str:
    """«四口», «5个人» as said, or nothing."""
    found = _HOUSEHOLD.search(unicodedata.normalize("NFKC", text))
    return found.group() if found else ""


def is_child(text: str) -> bool:
    """Whether the writer says of themselves that they are under 14."""
    said = simplify(unicodedata.normalize("NFKC", text))
    return _SCHOOL.search(said) is not None or any(
        not re.search(r"(儿子|女儿|崽|仔|孙|娃|孩子|小孩|弟|妹|女|佢|他|她)", said[max(0, found.start() - 4) : found.end()])
        and "我" in said[max(0, found.start() - 2) : found.end()]
        for found in _AGE.finditer(said)
    )


def proxy_for(text: str) -> str:
    """For whom somebody else reports («帮隔壁阿婆报» → «隔壁阿婆»), or nothing. One's own family is not somebody else."""
    said = simplify(text)
    for pattern in _PROXY:
        found = pattern.search(said)
        if found and not _OWN.match(found["whom"].strip()):
            return found["whom"].strip() or "别人"
    return ""


def is_near(whom: str) -> bool:
    """Whether somebody for whom one reports lives next door, so that one's own village is theirs."""
    return re.search(r"隔壁|邻居|对门|同村|村里|我们村", whom) is not None


def _bare(text: str) -> str:
    return _PUNCTUATION.sub("", simplify(text))
