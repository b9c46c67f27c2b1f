"""A document's text made into the draft of a sheet: headings become sections, what is not known is marked to be filled in."""

from __future__ import annotations

import re
from pathlib import PurePath

from core import clock
from knowledge_base.checks import FILL_IN
from knowledge_base.sheet import SHORT_LIMIT

_HEADING = re.compile(
    r"#{1,6}\s+(?P<title>\S.*)|(?:第[一二三四五六七八九十]+[章条]|[一二三四五六七八九十]+、)\s*(?P<plain>\S.{0,38})"
)
_DATE = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日起(?:施行|实施|执行|生效)")
_DOCUMENT = re.compile(r"[《][^》]{4,60}[》](?:[（(][^）)]{4,30}[）)])?|[\u4e00-\u9fff]{1,8}[〔\[]\d{4}[〕\]]\d{1,4}号")
_ASPECT_WORDS = {
    "materials": ("材料", "证件", "带什么", "提交"), "exclusion": ("不予", "不得", "除外", "不能享受"),
    "exit": ("退出", "取消", "终止", "停发", "调整"), "time": ("时限", "时间", "多久", "期限"),
    "where": ("地点", "地址", "窗口", "去哪", "受理单位"), "eligibility": ("条件", "对象", "范围", "资格"),
    "benefit": ("标准", "补助", "待遇", "金额", "多少"), "how": ("程序", "流程", "申请", "办理", "怎么办", "怎样"),
}  # fmt: skip


def draft_text(text: str, name: str) -> str:
    """The draft. A document that is a sheet already stays as it is."""
    if text.lstrip().startswith("---\n"):
        return text.lstrip()
    title, parts = _parts(text)
    title = title or PurePath(name).stem.strip() or FILL_IN
    began, document = _DATE.search(text), _DOCUMENT.search(text)
    front = front_matter(
        title=title,
        document=document.group() if document else FILL_IN,
        effective_from="-".join(part.zfill(2) for part in began.groups()) if began else FILL_IN,
    )
    taken: set[str] = set()
    return front + "\n".join(_section(heading, body, title, taken) for heading, body in parts)


def front_matter(
    *, title: str, document: str = FILL_IN, effective_from: str = FILL_IN, name: str = FILL_IN, region: str = "45"
) -> str:
    """The head of a draft."""
    quoted = title.replace('"', "”").replace("\\", "")
    document = document.replace('"', "”").replace("\\", "")
    return (
        f'---\nid: {name}\ntitle: "{quoted}"\nregion: "{region}"\nissuer: {FILL_IN}\ndocument: "{document}"\n'
        f'effective_from: {effective_from}\nreviewed_on: {clock.today().isoformat()}\ncontacts: [village, "12345"]\n---\n'
    )


def section_text(key: str, title: str, *, short: str = FILL_IN, asked: str = FILL_IN, body: str = FILL_IN) -> str:
    """One section of a draft."""
    return f"## {key} — {title}\nshort: {short}\nasked as: {asked}\nsource: [常识 待核]\n\n{body}\n"


def _parts(text: str) -> tuple[str, list[tuple[str, list[str]]]]:
    """The title, and (heading, lines) of each part that has lines."""
    title, parts = "", [("", list[str]())]
    for raw in text.splitlines():
        line = raw.strip()
        heading = _HEADING.fullmatch(line)
        if heading is None:
            if line:
                parts[-1][1].append(line.lstrip("#").strip() if line.startswith("#") else line)
        elif heading["title"] and line.startswith("# ") and not title:
            title = heading["title"].strip()
        else:
            parts.append(((heading["title"] or heading["plain"]).strip().rstrip("：:。"), []))
    full = [(heading, body) for heading, body in parts if body]
    if not title and full and not full[0][0] and len(full[0][1][0]) <= 40 and not full[0][1][0].endswith(("。", "；")):
        title = full[0][1].pop(0)  # the first short line of a document is its title
    return title, [(heading, body) for heading, body in full if body] or [("", [FILL_IN])]


def _section(heading: str, body: list[str], title: str, taken: set[str]) -> str:
    said = heading or title
    aspect = next((name for name, words in _ASPECT_WORDS.items() if any(word in heading for word in words)), "general")
    key, letters = aspect, iter("bcdefghijklmnopqrstuvwxyz")
    while key in taken:
        key = f"{aspect}.{next(letters, 'z' * len(taken))}"
    taken.add(key)
    first = re.split(r"(?<=[。！？])", body[0].removeprefix("- "))[0]
    short = first if len(first) <= SHORT_LIMIT else FILL_IN
    return section_text(key, said, short=short, body="\n".join(body))
