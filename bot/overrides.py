"""What Rasa does on every message and need not do. Runs under Python 3.10, inside Rasa; ``components`` applies it.

Measured per turn, in Rasa's process: the action response's schema was checked itself on each call (11 of 15 ms); each
action call carried the whole domain and all events, which our actions never read; each opened a connection of its own;
dask scheduled graphs of a dozen small steps; a command («/inform») went through the encoder and the classifier, which it
overrules; and the class of each stored event was looked for among all classes of events.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Dict, List, Optional, Text, Type

import aiohttp
import rasa
from jsonschema import Draft202012Validator
from rasa.core.actions.action import RemoteAction
from rasa.core.channels.channel import UserMessage
from rasa.core.processor import MessageProcessor
from rasa.engine.exceptions import GraphRunError
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.constants import INTENT_MESSAGE_PREFIX
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.utils.endpoints import DEFAULT_REQUEST_TIMEOUT, ClientResponseError, EndpointConfig

_validator = Draft202012Validator(RemoteAction.action_response_format_spec())


def _validate_action_result(self: RemoteAction, result: Dict[Text, Any]) -> bool:
    """As Rasa's own, with the validator built once."""
    error = next(_validator.iter_errors(result), None)
    if error is not None:
        error.message += ". Failed to validate an action server's response."
        raise error
    return True


def _action_call_format(self: RemoteAction, tracker: DialogueStateTracker, domain: Domain) -> Dict[Text, Any]:
    """The call of an action without the events and the domain. The words of the message stay out of it too."""
    latest = tracker.latest_message
    message = {"intent": latest.intent, "metadata": latest.metadata} if latest is not None else {}
    state = {
        "sender_id": tracker.sender_id, "slots": tracker.current_slot_values(), "latest_message": message, "events": [],
        "active_loop": {"name": tracker.active_loop_name}, "latest_action_name": tracker.latest_action_name,
    }  # fmt: skip
    return {
        "next_action": self.name(),
        "sender_id": tracker.sender_id,
        "tracker": state,
        "domain": {},
        "version": rasa.__version__,
    }


_sessions: Dict[Text, aiohttp.ClientSession] = {}


async def _request(
    self: EndpointConfig,
    method: Text = "post",
    subpath: Optional[Text] = None,
    content_type: Optional[Text] = "application/json",
    compress: bool = False,
    **kwargs: Any,
) -> Optional[Any]:
    """A request over a kept connection. Only for our own action endpoint: no certificates, no basic authentication."""
    session = _sessions.get(self.url)
    if session is None or session.closed:
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=DEFAULT_REQUEST_TIMEOUT))
        _sessions[self.url] = session
    kwargs.pop("timeout", None)
    async with session.request(method, self.url, params=self.combine_parameters(kwargs), **kwargs) as response:
        if response.status >= 400:
            raise ClientResponseError(response.status, response.reason, await response.text())
        return await response.json()


def _run(
    self: DaskGraphRunner, inputs: Optional[Dict[Text, Any]] = None, targets: Optional[List[Text]] = None
) -> Dict[Text, Any]:
    """As Rasa's own, without a scheduler: each step after what it needs, in one thread (as dask.get does it)."""
    wanted = list(targets or self._graph_schema.target_names)
    schema = self._graph_schema.minimal_graph_schema(wanted)
    done: Dict[Text, Any] = {}
    for name, value in (inputs or {}).items():
        if isinstance(value, str) and value in schema.nodes:
            raise GraphRunError(f"Input value '{value}' clashes with a node name.")
        done[name] = (name, value)

    def finish(name: Text) -> Any:
        if name not in done:
            needs = [finish(need) for need in schema.nodes[name].needs.values()]
            done[name] = self._instantiated_nodes[name](*needs)
        return done[name]

    return dict(finish(name) for name in wanted)


_parse_with_graph = MessageProcessor._parse_message_with_graph
_resolve_by_type = Event.resolve_by_type


def _parse_message(
    self: MessageProcessor, message: UserMessage, tracker: DialogueStateTracker, only_output_properties: bool = True
) -> Dict[Text, Any]:
    """As Rasa's own; a command names its intent, so only what reads commands at the pipeline's end is asked."""
    if not (message.text or "").startswith(INTENT_MESSAGE_PREFIX):
        return _parse_with_graph(self, message, tracker, only_output_properties)
    told = Message({TEXT: message.text, "message_id": message.message_id, "metadata": message.metadata})
    read = YAMLStoryReader.unpack_regex_message(told, self.domain).as_dict(only_output_properties=only_output_properties)
    return {TEXT: "", INTENT: {"name": None, "confidence": 0.0}, ENTITIES: [], **read}


@lru_cache(maxsize=None)
def _class_of_event(type_name: Text, default: Optional[Type[Event]] = None) -> Optional[Type[Event]]:
    return _resolve_by_type(type_name, default)


def apply() -> None:
    """Put them in their places. Importing ``bot.components`` does it, once a process."""
    RemoteAction._validate_action_result = _validate_action_result
    RemoteAction._action_call_format = _action_call_format
    EndpointConfig.request = _request
    DaskGraphRunner.run = _run
    MessageProcessor._parse_message_with_graph = _parse_message
    Event.resolve_by_type = staticmethod(_class_of_event)
