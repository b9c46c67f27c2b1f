"""Web pages: their headings, paragraphs, lists and tables, without menus, scripts and footers."""

from __future__ import annotations

import re

from bs4 import BeautifulSoup, Tag

_MARKUP = re.compile(r"<(?:!doctype|html|head|body|div|p|h[1-6]|table|ul|ol|meta|article)\b", re.IGNORECASE)
_LEFT_OUT = ("script", "style", "nav", "header", "footer", "aside", "form", "noscript", "template", "iframe", "button")
_BLOCKS = ("h1", "h2", "h3", "h4", "h5", "h6", "p", "li", "tr", "pre", "dt", "dd", "blockquote")


def looks_like_html(text: str) -> bool:
    return _MARKUP.search(text[:4000]) is not None


def html_text(markup: str) -> str:
    """The readable text, headings as «#», items as «-», rows of tables joined by commas."""
    soup = BeautifulSoup(markup, "lxml")
    for element in soup(_LEFT_OUT):
        element.decompose()
    root = soup.find("article") or soup.find("main") or soup.body or soup
    lines = [line for block in root.find_all(_BLOCKS) if not block.find(_BLOCKS) for line in [_line(block)] if line]
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    if title and not any(line.startswith("# ") for line in lines):
        lines.insert(0, f"# {title}")
    return "\n".join(lines) or root.get_text("\n", strip=True)


def _line(block: Tag) -> str:
    text = re.sub(r"\s+", " ", block.get_text("", strip=False)).strip()
    if block.name == "tr":
        text = "，".join(cell for cell in (part.get_text(" ", strip=True) for part in block.find_all(("td", "th"))) if cell)
    if not text:
        return ""
    if block.name[0] == "h" and block.name[1:].isdigit():
        return "#" * int(block.name[1:]) + " " + text
    return f"- {text}" if block.name in ("li", "dd", "tr") else text
