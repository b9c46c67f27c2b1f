"""The Chinese font of printed sheets: Noto Sans CJK out of the package cvttf-notosanscjk-regular.

The package carries the cut that shows Taiwan's shapes of characters and keeps the mainland's beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import cvttf_NotoSansCJK_Regular as noto
from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.fonts import TTFFont

NAME = "noto"
_SCRIPT, _LANGUAGE, _FEATURE = "hani", "ZHS ", "locl"


@contextmanager
def chinese(pdf: FPDF, text: str) -> Iterator[None]:
    """The font ``NAME`` is known to a document that shows a text, until it is written. It keeps the glyphs that it needs."""
    pdf.add_font(NAME, "", noto.get_TTF_path())
    font = pdf.fonts[NAME]
    assert isinstance(font, TTFFont)
    for code in set(map(ord, text)):
        shape = _mainland_shapes().get(font.cmap.get(code, ""))
        if shape is not None:
            font.cmap[code], font.glyph_ids[code] = shape, font.ttfont.getGlyphID(shape)
    try:
        yield
    finally:
        font.ttfont.close()


@cache
def _mainland_shapes() -> dict[str, str]:
    """For each glyph that the mainland writes otherwise, its own (the font's «locl» for simplified Chinese)."""
    with TTFont(noto.get_TTF_path(), lazy=True) as font:
        table = font["GSUB"].table
        script = next(record.Script for record in table.ScriptList.ScriptRecord if record.ScriptTag == _SCRIPT)
        language = next(record.LangSys for record in script.LangSysRecord if record.LangSysTag == _LANGUAGE)
        features = [table.FeatureList.FeatureRecord[index] for index in language.FeatureIndex]
        lookups = [index for record in features if record.FeatureTag == _FEATURE for index in record.Feature.LookupListIndex]
        shapes: dict[str, str] = {}
        for index in lookups:
            for subtable in table.LookupList.Lookup[index].SubTable:
                shapes.update(getattr(getattr(subtable, "ExtSubTable", subtable), "mapping", {}))
    return shapes
