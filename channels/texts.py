"""What channels say of themselves: each folder has its words in a ``texts.yml``; answers come from the assistant."""

from __future__ import annotations

from pathlib import Path

import yaml

HERE = Path(__file__).parent


class ChannelTexts:
    """The words of one folder by name, filled in."""

    def __init__(self, folder: Path = HERE) -> None:
        self._texts: dict[str, str] = yaml.safe_load((folder / "texts.yml").read_text("utf-8"))

    def say(self, name: str, **values: str) -> str:
        """Raises KeyError for an unknown name or a missing value."""
        return self._texts[name].format(**values).strip()
