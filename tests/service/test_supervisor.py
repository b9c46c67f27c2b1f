"""The supervisor's ports, and how it starts Rasa."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

from bot.client import RasaAddress
from service.supervisor import free_port, rasa_arguments


def test_a_free_port_can_be_taken() -> None:
    """A free port is a user port on which one can listen at once."""
    port = free_port()
    assert 1024 <= port <= 65535
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))


def test_a_taken_port_is_not_given() -> None:
    """A port on which somebody listens is never given out."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert taken.getsockname()[1] not in {free_port() for _ in range(50)}


def test_a_token_that_begins_with_a_dash_is_a_token() -> None:
    """Read as an option of its own it kept Rasa from starting, once in some dozens of starts."""
    reader = argparse.ArgumentParser()
    for name in ("--auth-token", "--model", "--port", "--interface", "--endpoints", "--credentials"):
        reader.add_argument(name)
    reader.add_argument("--enable-api", action="store_true")
    read = reader.parse_args(rasa_arguments(RasaAddress("http://127.0.0.1:5005", "-x9"), Path("-data/model.tar.gz")))
    assert (read.auth_token, read.model, read.port) == ("-x9", "-data/model.tar.gz", "5005")
