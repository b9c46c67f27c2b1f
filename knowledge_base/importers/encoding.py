"""Bytes to text: UTF-8, UTF-16 with its mark, or GB18030. Damage is reported with its place, never papered over."""

from __future__ import annotations

import codecs

from knowledge_base.importers.failure import Unreadable
from knowledge_base.text import simplify

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
LOST = "\ufffd"
MOSTLY = 0.9  # so many of the Chinese characters must be common ones for a guess to be believed


def decode(content: bytes) -> str:
    """The text of a file without declared encoding. Raises Unreadable with line and neighbourhood of the damage."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _whole(content.removeprefix(mark), encoding)
    try:
        return _checked(content.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    # text in GB18030 hardly ever forms valid UTF-8 sequences, damaged UTF-8 consists of little else
    as_utf8 = content.decode("utf-8", "replace")
    if as_utf8.count(LOST) * 10 < sum(not char.isascii() for char in as_utf8):
        return _whole(content, "utf-8")
    text = _whole(content, "gb18030")
    chinese = [char for char in simplify(text) if not char.isascii() and char.isalpha()]
    if chinese and sum(_is_common(char) for char in chinese) < MOSTLY * len(chinese):
        raise Unreadable("认不出文件的编码。请用记事本打开，另存为 UTF-8 编码，再导入。")
    return text


def _whole(content: bytes, encoding: str) -> str:
    try:
        return _checked(content.decode(encoding))
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, "replace")
        raise _damaged(before, f"第{error.start + 1}个字节") from None


def _checked(text: str) -> str:
    """Refuse a text that was damaged earlier and saved so."""
    if LOST in text:
        raise _damaged(text[: text.index(LOST)], "显示成「\ufffd」")
    return text.removeprefix("\ufeff").replace("\x00", "")


def _damaged(before: str, what: str) -> Unreadable:
    line, near = before.count("\n") + 1, before.rpartition("\n")[2][-12:]
    place = f"第{line}行「{near}」后面" if near else f"第{line}行开头"
    return Unreadable(f"{place}的字坏了（{what}）。请找原来的文件重新另存为 UTF-8 编码，再导入。")


def _is_common(char: str) -> bool:
    """Whether a character is of the everyday set (GB 2312), not a rarity that a wrong guess brings up."""
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True
