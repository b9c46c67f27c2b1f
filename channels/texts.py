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


_WHY = {
    "expired": "why_expired", "restored": "why_restored", "no number": "why_number", "": "why_other",
    "no answer": "why_no_answer", "not found": "why_no_answer", "no look-up": "why_no_answer", "not in the file": "why_no_answer",
    "TimeoutError": "why_no_answer", "ReadTimeout": "why_no_answer",
}  # fmt: skip


def why(reason: str) -> str:
    """An outbox message's reason in plain words, where its carrier has none of its own."""
    texts = ChannelTexts()
    return texts.say(_WHY[reason]) if reason in _WHY else texts.say("why_code", code=reason)
