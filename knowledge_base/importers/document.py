"""One entry for every kind of file: what it is is seen by its content, never believed of its name."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

from core.errors import MingbaiError
from knowledge_base.importers.encoding import decode
from knowledge_base.importers.failure import Unreadable
from knowledge_base.importers.html import html_text, looks_like_html
from knowledge_base.importers.outline import draft_text
from knowledge_base.importers.pdf import pdf_text
from knowledge_base.importers.word import word_text
from knowledge_base.text import simplify

__all__ = ["Imported", "Unreadable", "read_document"]
SIZE_LIMIT = 10 * 1024 * 1024
TEXT_LIMIT = 100_000
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*")


class TooBig(MingbaiError):
    """文件太大了，最多10MB。"""


@dataclass(frozen=True)
class Imported:
    """The text of a draft, and what the editor should know of how it came about."""

    text: str
    notes: list[str]


def read_document(name: str, content: bytes) -> Imported:
    """The draft of a sheet out of a file's bytes. Raises Unreadable and TooBig, both with what to do about it.

    ``name`` serves as title where the document has none.
    """
    if len(content) > SIZE_LIMIT:
        raise TooBig
    plain, kind = _plain(content)
    simple = simplify(plain)
    notes = [f"按{kind}读入，{len(plain)}个字"]
    changed = sum(before != after for before, after in zip(plain, simple, strict=False))
    if changed:
        notes.append(f"有繁体字，已转成简体（{changed}处），请看看转得对不对")
    if len(simple) > TEXT_LIMIT:
        notes.append(f"太长了，只取了前{TEXT_LIMIT}个字")
    if not simple.strip():
        raise Unreadable("文件里没有文字。")
    return Imported(draft_text(simple[:TEXT_LIMIT], name), notes)


def _plain(content: bytes) -> tuple[str, str]:
    """The text with Markdown headings and lists, and what kind of file it was."""
    if content.startswith(b"%PDF-"):
        return pdf_text(content), "PDF"
    if content.startswith(_OLD_OFFICE):
        raise Unreadable("这是旧版的 Word 文件（.doc）。请在 Word 或 WPS 里另存为 .docx，再导入。")
    if content.startswith(_PICTURES):
        raise Unreadable("这是图片，读不出文字。请用文件的电子原稿，或者把文字录进来。")
    if content.startswith(b"PK\x03\x04"):
        return _packed(content), "Word"
    text = decode(content)
    return (html_text(text), "网页") if looks_like_html(text) else (text, "文本")


def _packed(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            names = {entry.filename: entry.file_size for entry in packed.infolist()}
    except zipfile.BadZipFile:
        raise Unreadable("文件坏了，打不开。请重新另存一份再导入。") from None
    if "word/document.xml" not in names:
        raise Unreadable("这不是 Word 文件（.docx）。表格、压缩包请先把要用的文字复制到 Word 或文本文件里。")
    if sum(names.values()) > 10 * SIZE_LIMIT:  # a small file that unpacks to gigabytes
        raise TooBig
    return word_text(content)
