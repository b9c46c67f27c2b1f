"""Voice messages: what is a recording, how it is kept, and the ears before the assistant."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from channels.hearing import Hearing
from channels.journal import Journal, Voice
from channels.message import Answer, Inbound, Understood
from channels.recogniser import Recogniser, RecogniserFailed
from channels.voice import Audio, Heard, NotAudio, sniff
from core.database import Database

OGG = b"OggS" + bytes(40)


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81", "audio/webm"),
        (b"OggS\x00\x02", "audio/ogg"),
        (b"\x00\x00\x00\x18ftypM4A ", "audio/mp4"),
        (b"\x00\x00\x00\x18ftyp3gp4", "audio/mp4"),
        (b"#!AMR\n", "audio/amr"),
        (b"#!AMR-WB\n", "audio/amr"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"ID3\x03\x00", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
    ],
)
def test_recordings_are_known_by_their_bytes(head: bytes, media_type: str) -> None:
    """Each kind that phones and channels record is told by its first bytes."""
    assert sniff(head + bytes(20)).media_type == media_type


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"<html>", b"%PDF-1.7", b"\x89PNG\r\n", b"RIFF\x24\x00\x00\x00AVI ", b"GIF89a", b"\xff\xf1\x50\x80", b"MZ"],
)
def test_what_is_no_recording_is_refused(data: bytes) -> None:
    """Pages, pictures and programs are refused in Chinese, whatever they are called."""
    with pytest.raises(NotAudio, match="不是录音"):
        sniff(data)


@given(st.binary(max_size=64))
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    """No bytes break the look into them, and what is taken comes back whole."""
    with contextlib.suppress(NotAudio):
        assert sniff(data).data == data


def test_the_recording_is_sealed_with_its_message(journal: Journal, database: Database) -> None:
    """Recording and message are committed together, and neither recording nor transcript can be read in the table."""
    message, _ = journal.record("c", client_id="1", audio=Audio(OGG, "audio/ogg"))
    assert message.voice
    assert message.text == ""
    assert journal.transcript(message.id) is None
    journal.heard(message.id, Heard("低保怎么办", 0.83))
    assert journal.transcript(message.id) == Heard("低保怎么办", 0.83)
    assert journal.audio("c", message.id) == Audio(OGG, "audio/ogg")
    with database.read() as session:
        row = session.scalars(select(Voice)).one()
    assert b"OggS" not in row.audio
    assert "低保".encode() not in (row.transcript or b"")


def test_a_recording_belongs_to_its_conversation(journal: Journal) -> None:
    """It is not found under another conversation, nor under an id that has none."""
    message, _ = journal.record("c", audio=Audio(OGG, "audio/ogg"))
    typed, _ = journal.record("c", text="你好")
    for conversation, message_id in [("other", message.id), ("c", typed.id), ("c", "'; --")]:
        with pytest.raises(LookupError):
            journal.audio(conversation, message_id)


def test_a_retried_recording_is_one_message(journal: Journal) -> None:
    """The same client's id keeps the first recording."""
    first, _ = journal.record("c", client_id="1", audio=Audio(OGG, "audio/ogg"))
    again, stored = journal.record("c", client_id="1", audio=Audio(b"#!AMR", "audio/amr"))
    assert (again, stored) == (first, None)
    assert journal.audio("c", first.id).media_type == "audio/ogg"


def test_lines_show_what_was_understood(journal: Journal) -> None:
    """A voice message stands among the lines with its transcript and how sure it is, or empty where nobody knows."""
    clear, _ = journal.record("c", audio=Audio(OGG, "audio/ogg"), heard=Heard("低保", 0.7, by="channel"))
    unknown, _ = journal.record("c", audio=Audio(OGG, "audio/ogg"))
    lines = {line.id: (line.text, line.voice, line.confidence) for line in journal.lines("c")}
    assert lines == {clear.id: ("低保", True, 0.7), unknown.id: ("", True, None)}


def test_lines_begin_where_they_are_wanted(journal: Journal) -> None:
    """Nothing of messages and notices before an id is given; a cadre's words carry their name."""
    journal.record("c", text="以前的问题")
    journal.notify("c", "以前的通知")
    wanted, _ = journal.record("c", text="找干部")
    journal.notify("c", "我是小莫", cadre="莫志明（探花村）")
    assert [(line.who, line.text, line.name) for line in journal.lines("c", since=wanted.id)] == [
        ("villager", "找干部", ""), ("cadre", "我是小莫", "莫志明（探花村）"),
    ]  # fmt: skip
    assert journal.updates("c", wanted.id)[0]["from"] == {"who": "cadre", "name": "莫志明（探花村）"}


class Ears:
    """A recogniser that hears what it is told to."""

    def __init__(self, heard: Heard | None) -> None:
        self.heard, self.times = heard, 0

    async def hear(self, audio: Audio) -> Heard:
        self.times += 1
        if self.heard is None:
            raise RecogniserFailed
        return self.heard


class Assistant:
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Inbound] = []

    async def answer(self, message: Inbound) -> Answer:
        self.asked.append(message)
        return Answer(message.id, [], Understood("policy", "ask_policy", 1.0))


async def heard_as(journal: Journal, recogniser: Recogniser | None, given: Heard | None = None) -> tuple[str, bool]:
    """The text with which a recording reaches the assistant, and whether it was marked unclear."""
    assistant = Assistant()
    message, _ = journal.record("c", audio=Audio(OGG, "audio/ogg"), heard=given)
    await Hearing(journal, assistant.answer, recogniser, 0.6).answer(message)
    return assistant.asked[0].text, assistant.asked[0].unclear


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        (Heard("低保怎么办", 0.9), ("低保怎么办", False)),
        (Heard("低保怎么办"), ("低保怎么办", False)),
        (Heard("低保怎么办", 0.6), ("低保怎么办", False)),
        (Heard("低保怎么办", 0.59), ("低保怎么办", True)),
        (Heard("  ", 0.99), ("  ", True)),
        (None, ("", True)),
    ],
)
async def test_only_clear_words_count_as_said(journal: Journal, heard: Heard | None, expected: tuple[str, bool]) -> None:
    """A sure transcript goes on as the text; an unsure, empty or failed one is marked for a person."""
    assert await heard_as(journal, Ears(heard)) == expected


async def test_the_channels_own_transcript_comes_first(journal: Journal) -> None:
    """What the channel understood is used, and our recogniser not troubled; without either a person listens."""
    ears = Ears(Heard("别的", 1.0))
    assert await heard_as(journal, ears, Heard("低保", by="channel")) == ("低保", False)
    assert ears.times == 0
    assert await heard_as(journal, None) == ("", True)


async def test_typed_messages_pass_by(journal: Journal) -> None:
    """A typed message goes to the assistant as it is."""
    assistant = Assistant()
    message, _ = journal.record("c", text="你好")
    await Hearing(journal, assistant.answer, Ears(None), 0.6).answer(message)
    assert assistant.asked == [message]


async def test_a_transcript_is_made_once(journal: Journal) -> None:
    """After a crash between hearing and answering, the kept transcript is used."""
    ears, assistant = Ears(Heard("低保", 0.9)), Assistant()
    message, _ = journal.record("c", audio=Audio(OGG, "audio/ogg"))
    hearing = Hearing(journal, assistant.answer, ears, 0.6)
    for _ in range(2):
        await hearing.answer(message)
    assert ears.times == 1
    assert [asked.text for asked in assistant.asked] == ["低保", "低保"]
