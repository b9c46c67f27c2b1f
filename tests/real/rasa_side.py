"""Checks of what runs inside Rasa (Python 3.10). A script: Rasa's environment has no pytest; ``test_rasa_side`` runs it."""

from __future__ import annotations

import asyncio
import base64
import sys
import tempfile
from pathlib import Path

import numpy as np
from jsonschema import ValidationError
from rasa.core.actions.action import RemoteAction
from rasa.core.channels.channel import UserMessage
from rasa.core.processor import MessageProcessor
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

import bot
from bot import overrides
from bot.components import TOPIC_KEY, VECTOR_KEY, ChineseTokenizer, TopicPrior, VectorFeaturizer
from bot.tracker_store import SnapshotTrackerStore

DOMAIN = Domain.load("bot/domain.yml")


def vector_is_popped_out_of_the_metadata() -> None:
    vector = np.arange(384, dtype="<f2")
    metadata = {"message_id": "m1", VECTOR_KEY: base64.b64encode(vector.tobytes()).decode()}
    message = Message({TEXT: "低保怎么办", "metadata": metadata})
    VectorFeaturizer({"scale": 2.0}).process([message])

    assert metadata == {"message_id": "m1"}
    features = message.get_dense_features(TEXT)[1]
    assert features is not None
    assert np.allclose(features.features, vector.astype(np.float32) * 2)


def without_a_vector_the_own_encoder_is_used() -> None:
    message = Message({TEXT: "低保怎么办"})
    VectorFeaturizer({"scale": 1.0}).process([message])

    features = message.get_dense_features(TEXT)[1]
    assert features is not None
    assert abs(float(np.linalg.norm(features.features)) - 1) < 1e-3


def words_are_normalised_and_never_none() -> None:
    tokenizer = ChineseTokenizer(ChineseTokenizer.get_default_config())
    said = [token.text for token in tokenizer.tokenize(Message({TEXT: "請問底保 點樣辦？"}), TEXT)]
    assert "低保" in said
    assert " " not in said
    assert len(tokenizer.tokenize(Message({TEXT: "😀"}), TEXT)) == 1


def a_command_needs_no_features() -> None:
    """«/inform» names its intent; a text goes the whole way."""
    asked = []
    own, overrides._parse_with_graph = overrides._parse_with_graph, lambda *given: asked.append(given[1].text) or {}
    try:
        processor = MessageProcessor.__new__(MessageProcessor)
        processor.domain = DOMAIN
        read = processor._parse_message_with_graph(UserMessage("/inform", message_id="m1"), None)
        processor._parse_message_with_graph(UserMessage("低保怎么办"), None)
    finally:
        overrides._parse_with_graph = own
    assert read["intent"] == {"name": "inform", "confidence": 1.0}
    assert read["text"] == "/inform"
    assert read["entities"] == []
    assert asked == ["低保怎么办"]


def classes_of_events_are_found_as_before() -> None:
    assert Event.resolve_by_type("slot") is SlotSet
    assert Event.resolve_by_type("slot") is SlotSet
    refused = ""
    try:
        Event.resolve_by_type("nonsense")
    except ValueError as error:
        refused = str(error)
    assert "nonsense" in refused


def an_invalid_action_response_is_refused() -> None:
    action = RemoteAction("action_x", None)
    assert action._validate_action_result({"events": [], "responses": []})
    refused = ""
    try:
        action._validate_action_result({"events": [{"name": "no event"}], "responses": []})
    except ValidationError as error:
        refused = error.message
    assert "action server" in refused


def snapshot_stays_small_and_keeps_form_and_slots() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = SnapshotTrackerStore(DOMAIN, path=str(Path(folder) / "t.db"), keep_turns=4)
        tracker = DialogueStateTracker("u1", DOMAIN.slots)
        sizes = []
        for turn in range(60):
            tracker.update(UserUttered(f"我叫黄阿婆 {turn}", intent={"name": "inform", "confidence": 1.0}), DOMAIN)
            if turn == 0:
                tracker.update(ActiveLoop("report_form"), DOMAIN)
                tracker.update(SlotSet("report_event", True), DOMAIN)
            tracker.update(ActionExecuted("report_form"), DOMAIN)
            tracker.update(ActionExecuted("action_listen"), DOMAIN)
            asyncio.run(store.save(tracker))
            restored = asyncio.run(store.retrieve("u1"))
            assert restored is not None
            tracker = restored
            sizes.append(len(tracker.events))
        raw = (Path(folder) / "t.db").read_bytes()

    assert max(sizes) == max(sizes[:10]) < 30
    assert tracker.active_loop_name == "report_form"
    assert tracker.get_slot("report_event") is True
    assert "黄阿婆".encode() not in raw
    assert b"\\u9ec4" not in raw


def a_follow_up_needs_a_topic() -> None:
    ranking = [{"name": "out_of_scope", "confidence": 0.6}, {"name": "follow_up", "confidence": 0.4}]
    after, without, unknown = (
        Message({TEXT: "几多钱", "intent_ranking": ranking, "intent": ranking[0], "metadata": metadata})
        for metadata in ({TOPIC_KEY: True}, {TOPIC_KEY: False}, {})
    )
    TopicPrior().process([after, without, unknown])

    assert after.get("intent")["name"] == "follow_up"
    assert without.get("intent")["name"] == "out_of_scope"
    assert without.get("intent")["confidence"] > 0.8
    assert unknown.get("intent_ranking") == ranking
    assert TOPIC_KEY not in after.get("metadata")


CHECKS = [
    vector_is_popped_out_of_the_metadata,
    without_a_vector_the_own_encoder_is_used,
    a_follow_up_needs_a_topic,
    words_are_normalised_and_never_none,
    a_command_needs_no_features,
    classes_of_events_are_found_as_before,
    an_invalid_action_response_is_refused,
    snapshot_stays_small_and_keeps_form_and_slots,
]

if __name__ == "__main__":
    assert sys.version_info[:2] == (3, 10)
    assert bot.__doc__
    for check in CHECKS:
        check()
        print(f"ok {check.__name__}")
