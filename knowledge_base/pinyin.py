"""Words by their sound: homophones put right, and messages typed in toneless pinyin.

Voice typing and hurried thumbs write 底保 for 低保 or 检测户 for 监测户; who knows no characters on the keyboard writes
«dibao zenme shenqing». Both are turned into the domain's words (``lexicon/jieba.txt``), and nothing else is touched.

Runs under Python 3.10 too, so the sounds come out of a table (``lexicon/pinyin.txt``), not out of pypinyin.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate, groupby
from pathlib import Path

_LEADING = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"))
_HU = {"hu": "fu", "hui": "fei", "hun": "fen"}
_LATIN = re.compile(r"[a-z]+(?:[ ']+[a-z]+)*")
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
LEAST_SYLLABLES = 4  # from here on a run that is pinyin throughout is no accident
LEAST_LETTERS = 5  # a shorter run of Latin letters is as likely a brand or an abbreviation
COMMON = 50  # how often jieba's own corpus must have a word for it to be read out of pinyin
LONGEST = 5  # characters of such a word


@dataclass(frozen=True)
class Sounds:
    """Toneless sounds: of each character the usual one, and of words in which a character sounds otherwise."""

    characters: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]]

    @classmethod
    def load(cls, file: Path) -> Sounds:
        characters: dict[str, str] = {}
        words: dict[str, tuple[str, ...]] = {}
        for line in file.read_text("utf-8").splitlines():
            one, _, other = line.partition("\t")
            if line.startswith("#"):
                continue
            if one.isascii():
                characters.update(dict.fromkeys(other, one))
            else:
                words[one] = tuple(other.split())
        return cls(characters, words)

    def of(self, word: str) -> tuple[str, ...] | None:
        """The syllables of a word; None if a character is not in the table."""
        found = self.words.get(word) or tuple(self.characters.get(char, "") for char in word)
        return found if all(found) else None


def as_heard(sound: str) -> str:
    """A syllable as many in Guangxi say it: n = l, zh = z, ch = c, sh = s, h = f before u, -ing = -in, -eng = -en."""
    if sound.startswith("hu"):
        sound = _HU.get(sound, "f" + sound[2:])
    for careful, plain in _LEADING:
        if sound.startswith(careful) and len(sound) > len(careful):
            sound = plain + sound[len(careful) :]
            break
    return sound[:-1] if sound.endswith(("ing", "eng")) else sound


class Homophones:
    """Puts the domain's word where one stands that sounds like it and means nothing.

    What is a word of everyday language stays: the look-alike must begin and end where jieba's words do, of two
    characters it must be no word at all, and it must share a character with the word that is meant.
    """

    def __init__(
        self,
        words: list[str],
        sounds: Sounds,
        cut: Callable[[str], list[str]],
        is_everyday: Callable[[str], bool],
        particles: set[str],
    ) -> None:
        self._cut, self._is_everyday = cut, is_everyday
        self._particles = particles
        self._heard = {char: as_heard(sound) for char, sound in sounds.characters.items()}
        self._by_start: dict[tuple[str, str], list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for word in sorted(words, key=len, reverse=True):
            reading = sounds.of(word)
            if reading is not None and len(reading) > 1:
                heard = tuple(map(as_heard, reading))
                self._by_start[heard[0], heard[1]].append((heard, word))

    def repair(self, text: str) -> str:
        """The text with its homophones replaced; character for character, so that positions stay."""
        found = self._alike(text)
        if not found:
            return text
        starts, at = set(), 0
        for token in self._cut(text):
            starts.add(at)
            at += len(token)
        starts.add(at)
        said, done = list(text), 0
        for start, word in found:
            end = start + len(word)
            bounds = sum(start < bound < end for bound in starts)
            inside = bounds == 1 if len(word) == 2 else bounds >= 1
            if start >= done and inside and start in starts and end in starts:
                said[start:end] = word
                done = end
        return "".join(said)

    def _alike(self, text: str) -> list[tuple[int, str]]:
        """(start, word) of what sounds like a word and is written otherwise."""
        heard = [self._heard.get(char, "") for char in text]
        found = []
        for start in range(len(text) - 1):
            for sounds, word in self._by_start.get((heard[start], heard[start + 1]), ()):
                said = text[start : start + len(word)]
                if said == word:
                    break
                if tuple(heard[start : start + len(word)]) == sounds and self._may_mean(said, word):
                    found.append((start, word))
                    break
        return found

    def _may_mean(self, said: str, word: str) -> bool:
        slips = [one for one, other in zip(said, word, strict=True) if one != other]
        return len(slips) < len(word) and not self._is_everyday(said) and self._particles.isdisjoint(slips)


class Romanised:
    """Reads toneless pinyin: the most likely words of a run of Latin letters that is pinyin from end to end."""

    def __init__(self, domain: list[str], frequencies: Mapping[str, int], sounds: Sounds) -> None:
        self._domain = set(domain)
        self._words: dict[str, dict[frozenset[int], tuple[float, str]]] = defaultdict(dict)  # by where syllables end
        total = sum(frequencies.values())
        for word, count in frequencies.items():
            if count < COMMON or (len(word) > LONGEST and word not in self._domain):
                continue
            reading = sounds.of(word)
            if reading is None:
                continue
            cost, alike = -math.log(count / total), self._words["".join(reading)]
            joints = frozenset(accumulate(map(len, reading)))
            if joints not in alike or cost < alike[joints][0]:
                alike[joints] = (cost, word)
        self._longest = max(map(len, self._words), default=0)
        self._mixed = self._half_written(sounds)

    def read(self, text: str) -> str:
        """The text with its pinyin as characters; whatever is not surely pinyin stays."""
        if not _LATIN.search(text):
            return text
        if _CHINESE.search(text):
            text = self._mixed.sub(lambda match: self._by_name[match.lastgroup or ""], text)
        return _LATIN.sub(lambda match: self._run(match.group()), text)

    def _run(self, run: str) -> str:
        """A run of Latin words: those next to each other that are pinyin are read together."""
        parts = run.replace("'", " ").split()
        groups = [
            (is_pinyin, list(group)) for is_pinyin, group in groupby(parts, lambda part: self._likeliest([part]) is not None)
        ]
        read = " ".join(self._group(group) if is_pinyin else " ".join(group) for is_pinyin, group in groups)
        return run if read == " ".join(parts) else read

    def _group(self, parts: list[str]) -> str:
        said = " ".join(parts)
        words = self._likeliest(parts) if sum(map(len, parts)) >= LEAST_LETTERS else None
        if words is None:
            return said
        are_words = all(len(word) > 1 for word in words)
        is_sure = self._domain.intersection(words) or are_words or sum(map(len, words)) >= LEAST_SYLLABLES
        return "".join(words) if is_sure else said

    def _likeliest(self, parts: list[str]) -> list[str] | None:
        """The cheapest way through the letters (Viterbi); a blank must fall between two syllables."""
        letters, gaps, at = "".join(parts), set(), 0
        for part in parts:
            at += len(part)
            gaps.add(at)
        best: list[tuple[float, int, str] | None] = [(0.0, 0, "")] + [None] * len(letters)
        for start in range(len(letters)):
            here = best[start]
            if here is None:
                continue
            for end in range(start + 1, min(len(letters), start + self._longest) + 1):
                inside = {gap - start for gap in gaps if start < gap < end}
                for joints, (cost, word) in self._words.get(letters[start:end], {}).items():
                    there = best[end]
                    if inside <= joints and (there is None or here[0] + cost < there[0]):
                        best[end] = (here[0] + cost, start, word)
        words, at = [], len(letters)
        while at:
            step = best[at]
            if step is None:
                return None
            words.append(step[2])
            at = step[1]
        return words[::-1]

    def _half_written(self, sounds: Sounds) -> re.Pattern[str]:
        """Finds a word of the domain in characters, pinyin or half and half: 低bao, di保."""
        self._by_name: dict[str, str] = {}
        patterns = []
        for number, word in enumerate(sorted(self._domain, key=len, reverse=True)):
            reading = sounds.of(word)
            if reading is None:
                continue
            self._by_name[f"w{number}"] = word
            each = " ?".join(f"(?:{char}|{sound})" for char, sound in zip(word, reading, strict=True))
            patterns.append(f"(?P<w{number}>{each})")
        return re.compile(rf"(?<![a-z])(?:{'|'.join(patterns)})(?![a-z])") if patterns else re.compile(r"(?!)")
