"""What pages show of texts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from web.site import rich


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("先到**村委会**。", "先到<strong>村委会</strong>。"),
        ("**一**和**二**", "<strong>一</strong>和<strong>二</strong>"),
        ("没有", "没有"),
        ("**没完", "**没完"),
        ("****", "****"),
        ("**<b>**", "<strong>&lt;b&gt;</strong>"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('" onclick="x', "&#34; onclick=&#34;x"),
        ("**<img src=x onerror=alert(1)>**", "<strong>&lt;img src=x onerror=alert(1)&gt;</strong>"),
        ("a & b", "a &amp; b"),
    ],
)
def test_bold_is_shown_and_the_rest_escaped(text: str, shown: str) -> None:
    """Two stars make bold, and whatever else could be markup is escaped."""
    assert rich(text) == shown


@given(st.text() | st.text("*<>&\"'ab/"))
def test_nothing_but_bold_gets_through(text: str) -> None:
    """Whatever the text, no tag but <strong> comes out, and without stars it is plainly escaped."""
    shown = str(rich(text))
    assert re.findall(r"<(?!/?strong>)", shown) == []
    assert shown.count("<strong>") == shown.count("</strong>")
    assert "**" in text or shown == str(escape(text))
