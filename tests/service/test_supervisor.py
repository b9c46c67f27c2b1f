"""The supervisor's ports."""

from __future__ import annotations

import socket

from service.supervisor import free_port


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
