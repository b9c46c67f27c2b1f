"""What villagers read: the responses of Rasa's domain, for the actions and for when Rasa is down."""

from __future__ import annotations

from pathlib import Path

import yaml

DOMAIN = Path(__file__).parent / "domain.yml"


class Texts:
    """The responses by name, filled in."""

    def __init__(self, domain: Path = DOMAIN) -> None:
        responses = yaml.safe_load(domain.read_text("utf-8"))["responses"]
        self._texts: dict[str, str] = {name: variants[0]["text"] for name, variants in responses.items()}

    def say(self, name: str, **values: str) -> str:
        """The text ``utter_<name>``. Raises KeyError for an unknown name or a missing value."""
        return self._texts[f"utter_{name}"].format(**values)

    def __contains__(self, name: str) -> bool:
        return f"utter_{name}" in self._texts
