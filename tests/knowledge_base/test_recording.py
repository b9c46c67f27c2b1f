"""Recordings: what counts as audio."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.recording import sniff


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"ID3\x03\x00" + bytes(20), "audio/mpeg"),
        (b"\xff\xfb\x90\x00" + bytes(20), "audio/mpeg"),
        (b"\xff\xf3\x90\x00" + bytes(20), "audio/mpeg"),
        (b"\x00\x00\x00\x20ftypM4A " + bytes(20), "audio/mp4"),
        (b"OggS" + bytes(20), "audio/ogg"),
        (b"RIFF\x00\x00\x00\x00WAVE" + bytes(20), "audio/wav"),
        (b"\x1a\x45\xdf\xa3" + bytes(20), "audio/webm"),
        (b"RIFF\x00\x00\x00\x00AVI " + bytes(20), None),
        (b"\xff\xd8\xff\xe0JFIF", None),
        (b"<!doctype html>", None),
        (b"%PDF-1.7", None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_by_the_first_bytes(head: bytes, media_type: str | None) -> None:
    """What browsers play is known by its content; anything else is none, whatever it is called."""
    assert sniff(head) == media_type


@given(st.binary(max_size=40))
def test_any_bytes(content: bytes) -> None:
    """Never an error, and never a type that a page could be."""
    assert sniff(content) in (None, "audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/webm")
