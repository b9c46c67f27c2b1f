"""PDF: the text layer, its hard line breaks joined to paragraphs. A scan has none, and says so."""

from __future__ import annotations

import io
import re

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from knowledge_base.importers.failure import Unreadable

PAGES_LIMIT = 100
_ENDS = tuple("。！？；：.!?;:")
_STARTS = re.compile(r"[（(]?[一二三四五六七八九十\d]+[、.）)．]|第[一二三四五六七八九十\d]+[条章节]|[-•●▪·]")
_PAGE_NUMBER = re.compile(r"[-—\s]*\d{1,3}[-—\s]*|第\s*\d+\s*页.*")


def pdf_text(content: bytes) -> str:
    """The text, paragraph by paragraph. Raises Unreadable."""
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("PDF 加了密码。请先去掉密码，或者复制文字到文本文件再导入。")
        if len(reader.pages) > PAGES_LIMIT:
            raise Unreadable(f"PDF 有{len(reader.pages)}页，最多{PAGES_LIMIT}页。请只截取要用的几页。")
        # fonts with two-byte codes come out with a NUL before each character where their map is incomplete
        pages = [page.extract_text().replace("\x00", "") for page in reader.pages]
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, NotImplementedError):
        # pypdf lets the others through on broken files
        raise Unreadable("PDF 坏了，或者写法特别，读不出来。请复制文字到文本文件再导入。") from None
    if not "".join(pages).strip():
        raise Unreadable("这份 PDF 是扫描的图片，没有文字。请用电子原稿，或者把文字录进来。")
    return "\n".join(_paragraphs("\n".join(pages).splitlines()))


def _paragraphs(lines: list[str]) -> list[str]:
    """Lines that the page's width broke are put together again."""
    joined: list[str] = []
    width = max(len(line.strip()) for line in lines)
    full = False
    for raw in lines:
        line = raw.strip()
        if not line or _PAGE_NUMBER.fullmatch(line):
            continue
        if joined and full and not joined[-1].endswith(_ENDS) and not _STARTS.match(line):
            joined[-1] += line
        else:
            joined.append(line)
        full = len(line) >= 0.8 * width
    return joined
