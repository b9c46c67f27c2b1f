"""Graph components of Rasa's pipeline. Runs under Python 3.10, inside Rasa, and applies ``bot.overrides`` there."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Text

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot import guardian, overrides
from bot.prior import reweighed
from knowledge_base.encoder import Encoder
from knowledge_base.text import normalise, words

VECTOR_KEY = "vector"  # in a message's metadata: base64 of little-endian float16
TOPIC_KEY = "topic"  # in a message's metadata: whether an answer went before that it may follow


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class ChineseTokenizer(Tokenizer):
    """jieba's words of the normalised text: training data and messages are treated alike, blanks are no words."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {"intent_tokenization_flag": False, "intent_split_symbol": "_", "token_pattern": None}

    @classmethod
    def create(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> ChineseTokenizer:
        return cls(config)

    def tokenize(self, message: Message, attribute: Text) -> List[Token]:
        tokens, at = [], 0
        # a message of signs alone still is one token: without any, its features would have another width
        for word in words(normalise(message.get(attribute))) or ["_"]:
            tokens.append(Token(word, at))
            at += len(word)
        return tokens


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class VectorFeaturizer(GraphComponent):
    """Puts the sentence's vector before the classifier.

    The service computes the vector once, for search and NLU, and sends it in the metadata. It is popped there: left
    in place it would land in the tracker and in every action call. Without one (training, ``rasa test``) the
    component uses its own encoder, from the directory in ``MINGBAI_ENCODER``.
    """

    def __init__(self, config: Dict[Text, Any]) -> None:
        self._scale = float(config["scale"])
        self._encoder: Optional[Encoder] = None

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {"scale": 20.0}

    @classmethod
    def create(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> VectorFeaturizer:
        return cls(config)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            text = message.get(TEXT)
            packed = (message.get("metadata") or {}).pop(VECTOR_KEY, None)
            if not text:
                continue
            vector = _unpacked(packed) if packed else self._own().question(normalise(text))
            features = (vector * self._scale).reshape(1, -1)
            message.add_features(Features(features, FEATURE_TYPE_SENTENCE, TEXT, type(self).__name__))
        return messages

    def _own(self) -> Encoder:
        if self._encoder is None:
            self._encoder = Encoder(Path(os.environ["MINGBAI_ENCODER"]))
        return self._encoder


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class TopicPrior(GraphComponent):
    """Behind the classifier: changes the odds of a follow-up by whether there is anything to follow.

    The service says so in the metadata; without its word (``rasa test``) the classifier's own odds stand.
    """

    @classmethod
    def create(
        cls, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> TopicPrior:
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            has_topic = (message.get("metadata") or {}).pop(TOPIC_KEY, None)
            ranking = message.get(INTENT_RANKING_KEY)
            if has_topic is None or not ranking:
                continue
            weighed = reweighed(
                {rank["name"]: rank["confidence"] for rank in ranking}, str(message.get(TEXT) or ""), bool(has_topic)
            )
            ranked = [{"name": name, "confidence": confidence} for name, confidence in weighed.items()]
            message.set(INTENT, ranked[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranked, add_to_output=True)
        return messages


def _unpacked(packed: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed), "<f2").astype(np.float32)


overrides.apply()
guardian.end_with_the_service()
