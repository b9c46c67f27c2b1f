"""Chinese text as villagers write it, made ready for words, vectors and patterns.

Runs under Python 3.10 too: Rasa's tokenizer uses it, so that training data and messages are treated alike.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from functools import cache
from pathlib import Path

from knowledge_base.pinyin import Homophones, Romanised, Sounds

LEXICON = Path(__file__).parent / "lexicon"
_UNSAID = re.compile(r"[\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ufffc\ufffd]")
_PLAIN_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94) if chr(0x21 + i).isalnum() or chr(0x21 + i) in "/+-@#"}
_BLANKS = re.compile(r"\s+")
_MEANINGFUL = re.compile(r"[0-9A-Za-z\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_ASCII_WORD = re.compile(r"[0-9a-z]+")
_LATIN = re.compile(r"[a-z]{2}")
DOMAIN_FREQUENCY = 20_000  # so that jieba keeps a word of the domain whole


def clean(text: str, limit: int) -> str:
    """Drop what no one can mean (NUL, controls, lone surrogates, invisible marks), cut at ``limit``.

    Full-width letters and digits become plain ones; punctuation stays as people wrote it, for people read it again.
    The cut comes first: the encoder needs seconds for ten thousand characters and rejects lone surrogates.
    """
    head = text[: limit * 4].encode("utf-8", "ignore").decode("utf-8")
    folded = _UNSAID.sub("", head).translate(_PLAIN_WIDTH)
    printable = "".join(char if char in "\n\t" or unicodedata.category(char)[0] != "C" else " " for char in folded)
    return _BLANKS.sub(" ", printable).strip()[:limit]


def has_words(text: str) -> bool:
    """Whether there is anything to understand: a letter, digit or Chinese character."""
    return _MEANINGFUL.search(text) is not None


def simplify(text: str) -> str:
    """Traditional characters to simplified."""
    return str(_converter().convert(text))


def normalise(text: str) -> str:
    """Simplified, lower case, pinyin read, dialect words and mistypings replaced (``lexicon/*.tsv``), homophones put right."""
    plain = simplify(unicodedata.normalize("NFKC", text)).lower()
    if _LATIN.search(plain):
        plain = _romanised().read(plain)
    pattern, table = _replacements()
    return _homophones().repair(pattern.sub(lambda match: table[match.group()], plain))


def words(text: str) -> list[str]:
    """jieba's words of a normalised text, with the domain's dictionary, blanks and punctuation dropped."""
    return [word for word in _jieba().lcut(text) if has_words(word)]


def index_terms(text: str) -> list[str]:
    """What full-text search matches on: words, and bigrams of Chinese characters, which survive a bad cut."""
    said = words(normalise(text))
    chars = re.findall(r"[\u3400-\u9fff]+", "".join(said))
    bigrams = [run[i : i + 2] for run in chars for i in range(len(run) - 1)]
    return said + [pair for pair in bigrams if pair not in set(said)]


@cache
def _converter():  # type: ignore[no-untyped-def]
    import opencc

    return opencc.OpenCC("t2s")


@cache
def _jieba():  # type: ignore[no-untyped-def]
    import jieba

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    tokenizer.initialize()
    for word in domain_words():
        tokenizer.add_word(word, freq=DOMAIN_FREQUENCY)
    return tokenizer


def _listed(file: Path) -> list[str]:
    """A word a line; «#» begins a comment."""
    return [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]


@cache
def domain_words() -> list[str]:
    """The words that the sheets are about (``lexicon/jieba.txt``)."""
    return _listed(LEXICON / "jieba.txt")


def jieba_frequencies() -> dict[str, int]:
    """How often jieba's corpus has each word, the domain's words among them."""
    return dict(_jieba().FREQ)


@cache
def _sounds() -> Sounds:
    return Sounds.load(LEXICON / "pinyin.txt")


@cache
def _homophones() -> Homophones:
    spoken = [word for word in domain_words() if has_words(word) and not _ASCII_WORD.search(word)]
    cut = _jieba()
    listed = _listed(LEXICON / "everyday.txt")
    phrases, particles = set(listed), {word for word in listed if len(word) == 1}

    def is_everyday(said: str) -> bool:
        return cut.FREQ.get(said, 0) > 0 or said in phrases

    return Homophones(spoken, _sounds(), lambda text: cut.lcut(text, HMM=False), is_everyday, particles)


@cache
def _romanised() -> Romanised:
    phrases = dict.fromkeys(_listed(LEXICON / "phrases.txt"), DOMAIN_FREQUENCY)
    return Romanised(domain_words(), {**_jieba().FREQ, **phrases}, _sounds())


@cache
def _replacements() -> tuple[re.Pattern[str], dict[str, str]]:
    table: dict[str, str] = {}
    for file in sorted(LEXICON.glob("*.tsv")):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            if not line or line.startswith("#"):
                continue
            said, _, meant = line.partition("\t")
            if not said or not meant:
                raise ValueError(f"{file.name}:{number}: expected «said<TAB>meant»")
            table[simplify(said)] = meant  # it is looked for after traditional characters are gone
    longest_first = sorted(table, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), table
