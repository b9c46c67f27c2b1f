"""POST /api/chat/voice: a recording goes the way of a text."""

from __future__ import annotations

import tempfile

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from channels.hearing import Hearing
from channels.journal import Journal
from channels.message import Answer, Inbound, Reply, Understood
from channels.reception import Reception
from channels.voice import VOICE_LIMIT, Audio, Heard
from channels.web.api import Chat, Limiter, chat_router
from channels.web.sender import Senders
from knowledge_base.text import clean

OGG = b"OggS" + bytes(40)


class Ears:
    """Hears the same in every recording."""

    async def hear(self, audio: Audio) -> Heard:
        return Heard("低保怎么办", 0.9)


async def echo(message: Inbound) -> Answer:
    """Answers with what it was asked, and with the source and region that it was told."""
    said = f"{message.text}|{message.region}|{bool(message.source)}"
    return Answer(message.id, [Reply(said)], Understood("policy", "ask_policy", 1.0))


@pytest.fixture
def page(journal: Journal) -> TestClient:
    """The routes of a demo county, four voice messages a minute."""
    app = FastAPI()
    limiter = Limiter(4, 4, lambda text: "救命" in text)
    chat = Chat(journal, Reception(journal, Hearing(journal, echo, Ears(), 0.6).answer))
    app.include_router(chat_router(chat, journal, Senders("key", demo=True, secure=False), limiter, limiter, clean))
    return TestClient(app)


def speak(page: TestClient, data: bytes = OGG, **fields: str):
    """Send a recording."""
    return page.post("/api/chat/voice", data={"sender": "a", **fields}, files={"audio": ("x.bin", data)})


def test_a_recording_is_answered_like_a_text(page: TestClient, journal: Journal) -> None:
    """The contract's answer comes back, with what was understood; the recording is kept under its message."""
    answer = speak(page, id="1", region="450481").json()
    assert set(answer) == {"message_id", "replies", "understood", "sources", "case", "heard"}
    assert answer["replies"][0]["text"] == "低保怎么办|450481|True"
    assert answer["heard"] == {"text": "低保怎么办", "confidence": 0.9}
    assert journal.audio(journal.conversation("web", "a"), answer["message_id"]) == Audio(OGG, "audio/ogg")


def test_the_same_id_is_one_recording(page: TestClient) -> None:
    """A retried recording gets the same answer, whatever it carries the second time."""
    first, again = speak(page, id="1").json(), speak(page, b"#!AMR\n", id="1").json()
    assert first == again


def test_a_transcript_that_comes_along_is_used(page: TestClient) -> None:
    """What the channel understood stands for our own ears."""
    assert speak(page, transcript="住院报销").json()["heard"] == {"text": "住院报销", "confidence": None}


@pytest.mark.parametrize(
    ("data", "fields", "status"),
    [
        (b"<html>", {}, 415),
        (b"", {}, 415),
        (OGG + bytes(VOICE_LIMIT), {}, 413),
        (OGG + bytes(2 * VOICE_LIMIT), {}, 413),
        (OGG, {"sender": ""}, 422),
        (OGG, {"region": "45"}, 422),
        (OGG, {"id": "x" * 81}, 422),
    ],
)
def test_what_is_wrong_is_said_in_chinese(page: TestClient, data: bytes, fields: dict[str, str], status: int) -> None:
    """No recording, too large a one, or wrong fields: refused with a reason, and nothing is kept."""
    response = speak(page, data, **fields)
    assert response.status_code == status
    assert not response.json()["detail"].isascii()


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x", "application/json", 400),
        (b"x", "multipart/form-data", 400),
        (b"x", "multipart/form-data; boundary=a", 400),
        (b"--a\r\nbroken", "multipart/form-data; boundary=a", 422),
        (b'--a\r\nContent-Disposition: form-data; name="audio"\r\n\r\nOggS\r\n--a--\r\n', "multipart/form-data; boundary=a", 422),
    ],
)
def test_broken_forms_are_refused(page: TestClient, body: bytes, kind: str, status: int) -> None:
    """A body that is no form, or one without a file, is an error of the sender, never of ours."""
    response = page.post("/api/chat/voice", content=body, headers={"Content-Type": kind})
    assert response.status_code == status
    assert not response.json()["detail"].isascii()


def test_too_many_recordings(page: TestClient) -> None:
    """The one too many is refused with the emergency numbers; one whose transcript speaks of danger passes."""
    assert [speak(page).status_code for _ in range(5)] == [200, 200, 200, 200, 429]
    assert "120" in speak(page).json()["detail"]
    assert speak(page, transcript="救命").status_code == 200


def test_no_recording_touches_the_disk(page: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing the form makes no temporary file: the villager's voice is on the disk only sealed."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a recording went into a temporary file")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", forbidden)
    assert speak(page, OGG + bytes(VOICE_LIMIT - 100)).status_code == 200
