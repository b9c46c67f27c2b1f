"""Writes ``knowledge_base/lexicon/pinyin.txt``: how Chinese characters and words sound, without tones.

A table instead of pypinyin at run time: Rasa's environment (Python 3.10) needs the sounds too and has no pypinyin.
First «syllable TAB characters» by each character's usual reading, then «word TAB syllables» for the words whose
characters sound otherwise there: 银行 is yin hang.
"""

from __future__ import annotations

from collections import defaultdict

from pypinyin import Style, pinyin

from knowledge_base.pinyin import COMMON, LONGEST
from knowledge_base.text import LEXICON, jieba_frequencies

TABLE = LEXICON / "pinyin.txt"
HEADING = "# toneless sounds of GB2312's characters, and of common words where they differ; made by scripts/pinyin_table.py\n"


def characters() -> list[str]:
    """The 6,763 characters of GB2312: all that simplified text is commonly written with."""
    found = []
    for row in range(0xB0, 0xF8):
        for column in range(0xA1, 0xFF):
            try:
                found.append(bytes([row, column]).decode("gb2312"))
            except UnicodeDecodeError:  # the last five places of row 55 are empty
                continue
    return found


def table() -> str:
    """The file's content."""
    usual = {char: _sounds(char)[0] for char in characters()}
    alike: dict[str, list[str]] = defaultdict(list)
    for char, sound in usual.items():
        alike[sound].append(char)
    lines = [f"{sound}\t{''.join(chars)}" for sound, chars in sorted(alike.items())]
    common = [word for word, count in jieba_frequencies().items() if count >= COMMON and 1 < len(word) <= LONGEST]
    for word in sorted(common):
        if all(char in usual for char in word):
            sounds = _sounds(word)
            if sounds != [usual[char] for char in word]:
                lines.append(f"{word}\t{' '.join(sounds)}")
    return HEADING + "\n".join(lines) + "\n"


def _sounds(word: str) -> list[str]:
    return [sounds[0] for sounds in pinyin(word, style=Style.NORMAL)]


if __name__ == "__main__":
    TABLE.write_text(table(), "utf-8")
