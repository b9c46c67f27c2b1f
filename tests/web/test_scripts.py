"""The pages' small scripts."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from web.site import HERE


@pytest.mark.parametrize("file", sorted((HERE / "static").glob("*.js")), ids=lambda file: file.name)
def test_no_function_hides_another(file: Path) -> None:
    """In one scope the second function of a name silently takes the place of the first."""
    names = Counter(re.findall(r"^  (?:async )?function (\w+)\(", file.read_text("utf-8"), re.MULTILINE))
    assert [name for name, times in names.items() if times > 1] == []
