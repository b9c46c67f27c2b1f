"""Word (.docx): paragraphs, headings, lists and tables in their order."""

from __future__ import annotations

import io

from docx import Document
from docx.opc.exceptions import OpcError
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import XMLSyntaxError

from knowledge_base.importers.failure import Unreadable


def word_text(content: bytes) -> str:
    """The text, headings as «#», items as «-». Raises Unreadable."""
    try:
        document = Document(io.BytesIO(content))
    except (OpcError, KeyError, ValueError, XMLSyntaxError):
        raise Unreadable("Word 文件坏了，打不开。请在 Word 或 WPS 里另存一份再导入。") from None
    lines: list[str] = []
    for block in document.iter_inner_content():
        lines += _table(block) if isinstance(block, Table) else [_paragraph(block)]
    return "\n".join(line for line in lines if line)


def _paragraph(paragraph: Paragraph) -> str:
    text = str(paragraph.text).strip()
    style = (paragraph.style.name or "") if paragraph.style else ""
    if not text:
        return ""
    if style == "Title":
        return f"# {text}"
    if style.startswith(("Heading", "标题")):
        level = "".join(char for char in style if char.isdigit()) or "2"
        return "#" * min(int(level), 6) + " " + text
    properties = paragraph._p.pPr  # numbering is no part of python-docx's public face
    listed = style.startswith("List") or (properties is not None and properties.numPr is not None)
    return f"- {text}" if listed else text


def _table(table: Table) -> list[str]:
    """A row a line; a cell that spans several columns is given once."""
    rows = []
    for row in table.rows:
        cells = list(dict.fromkeys(cell.text.strip().replace("\n", " ") for cell in row.cells))
        rows.append("- " + "，".join(cell for cell in cells if cell))
    return [row for row in rows if row != "- "]
