"""The stock assistant's actions, in rasa-sdk's own server (Python 3.10). They keep nothing: that only makes it faster."""

from __future__ import annotations

import itertools
import re
from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

_numbers = itertools.count(1)


class ValidateReportForm(FormValidationAction):  # type: ignore[misc]
    """Checks the phone number; the other slots are taken as they are said."""

    def name(self) -> str:
        return "validate_report_form"

    def validate_phone(self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> dict[str, Any]:
        if re.search(r"1[3-9]\d{9}", value) or "没有" in value:
            return {"phone": value}
        dispatcher.utter_message(response="utter_bad_phone")
        return {"phone": None}


class FileReport(Action):  # type: ignore[misc]
    """Gives the report a number and empties the form."""

    def name(self) -> str:
        return "action_file_report"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> list[dict[str, Any]]:
        dispatcher.utter_message(text=f"报好了，编号{next(_numbers):06d}，请记下。")
        return [SlotSet(slot, None) for slot in ("event", "village", "phone")]
