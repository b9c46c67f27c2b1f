"""Intents, and the kind of message that each stands for (the contract's ``understood.kind``)."""

from __future__ import annotations

KIND_OF = {
    "ask_policy": "policy",
    "ask_section": "policy",
    "precheck": "policy",
    "follow_up": "followup",
    "inform": "report",
    "report_hardship": "report",
    "tell_more": "report",
    "withdraw": "report",
    "urgent": "urgent",
    "ask_status": "status",
    "ask_contact": "contact",
    "ask_human": "human",
    "opt_out": "optout",
    "opt_in": "optin",
    "complain": "complaint",
    "greet": "chitchat",
    "thank": "chitchat",
    "goodbye": "chitchat",
    "ask_bot": "chitchat",
    "small_talk": "chitchat",
    "affirm": "chitchat",
    "deny": "chitchat",
    "cancel": "chitchat",
    "out_of_scope": "oos",
    "nlu_fallback": "oos",
}

# Inside a report these are served first, and the report goes on after them.
INTERRUPTS = frozenset(
    [
        "ask_policy", "follow_up", "out_of_scope", "ask_section", "precheck", "ask_contact", "ask_human", "ask_status", "ask_bot",
        "complain", "opt_out", "opt_in", "greet", "thank", "goodbye", "urgent", "cancel",
        "tell_more", "withdraw",
    ]
)  # fmt: skip
