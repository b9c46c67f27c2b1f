"""Recordings: uploaded by editors, played on the sheet's page, gone when the words change."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest

from core import clock
from knowledge_base.recording import SIZE_LIMIT, Recording, playable
from tests.web.conftest import at_the_desk, csrf_of

PAGE = "/desk/audio/45/dibao"
WAV = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8) + b"data" + bytes(200)


def upload(browser: Any, content: bytes = WAV, **changes: str) -> Any:
    """Send a recording as the form does."""
    fields = {"section": "how", "language": "白话", "speaker": "莫老师", "consent": "1", "csrf": csrf_of(browser.get(PAGE))}
    return browser.post(PAGE, data={**fields, **changes}, files={"file": ("声音.wav", content, "text/html")})


def audio_of(page: str) -> str:
    """The address of the first recording on a page."""
    return page.split("<audio", 1)[1].split('src="', 1)[1].split('"', 1)[0]


def test_an_upload_is_heard_on_the_page(pages: SimpleNamespace) -> None:
    """The page has a player with language and speaker in place of the synthetic voice, and sends pieces of the file."""
    editor = at_the_desk(pages, "editor")
    assert upload(editor).status_code == 303
    page = pages.villager.get("/sheets/45/dibao").text
    assert "听白话，莫老师念" in page
    assert page.count('class="read"') == 1, "the other section is still read by the phone"
    whole = pages.villager.get(audio_of(page))
    assert whole.content == WAV
    assert whole.headers["content-type"] == "audio/wav"
    piece = pages.villager.get(audio_of(page), headers={"Range": "bytes=0-3"})
    assert (piece.status_code, piece.content) == (206, b"RIFF")


@pytest.mark.parametrize(
    ("content", "changes", "words"),
    [
        (b"<html><script>alert(1)</script>", {}, "不是能播放的录音"),
        (b"", {}, "请选一个录音文件"),
        (b"#!AMR\n" + bytes(50), {}, "不是能播放的录音"),
        (WAV, {"language": "英语"}, "请选一种话"),
        (WAV, {"speaker": " "}, "谁念的"),
        (WAV, {"consent": ""}, "自己同意"),
        (WAV + bytes(SIZE_LIMIT), {}, "太大了"),
    ],
)
def test_what_is_refused(pages: SimpleNamespace, content: bytes, changes: dict[str, str], words: str) -> None:
    """By content, not by name; each with its reason, and nothing is kept."""
    editor = at_the_desk(pages, "editor")
    answer = upload(editor, content, **changes)
    assert answer.status_code in (413, 422)
    assert words in answer.text
    assert "<audio" not in pages.villager.get("/sheets/45/dibao").text


def test_a_second_one_replaces_the_first_of_its_language(pages: SimpleNamespace) -> None:
    """One recording a section and language; other languages stand beside it."""
    editor = at_the_desk(pages, "editor")
    upload(editor)
    upload(editor, WAV + b"2")
    upload(editor, WAV + b"3", language="壮话")
    page = pages.villager.get("/sheets/45/dibao").text
    assert page.count("<audio") == 2


def test_taken_away(pages: SimpleNamespace) -> None:
    """A voice that is withdrawn is gone from page, database and disk."""
    editor = at_the_desk(pages, "editor")
    upload(editor)
    address = audio_of(pages.villager.get("/sheets/45/dibao").text)
    assert pages.villager.get(address).status_code == 200
    digest = address.rsplit("/", 1)[1]
    assert editor.post(f"{PAGE}/remove", data={"csrf": csrf_of(editor.get(PAGE)), "digest": digest}).status_code == 303
    assert pages.villager.get(address).status_code == 404
    assert list((pages.site.settings.data_dir / "audio").iterdir()) == []


def test_other_words_are_not_played(pages: SimpleNamespace) -> None:
    """Once the section says something else, the recording is silent, and the desk says so."""
    editor = at_the_desk(pages, "editor")
    upload(editor)
    with pages.site.database.begin() as session:
        session.query(Recording).one().words = "0" * 32
    assert "<audio" not in pages.villager.get("/sheets/45/dibao").text
    assert "要重录" in editor.get("/desk/audio").text
    assert "请重录" in editor.get(PAGE).text


@pytest.mark.parametrize("username", ["county", "town", "village"])
def test_only_editors(pages: SimpleNamespace, username: str) -> None:
    """For cadres these pages do not exist, whatever they send."""
    browser = at_the_desk(pages, username)
    for path in ("/desk/audio", PAGE):
        assert browser.get(path).status_code == 404
    assert browser.post(PAGE, data={"csrf": "x"}, files={"file": ("a.wav", WAV)}).status_code == 404
    assert browser.post(f"{PAGE}/remove", data={"csrf": "x"}).status_code == 404
    assert pages.villager.get(PAGE).status_code == 303


def test_the_form_needs_its_token(pages: SimpleNamespace) -> None:
    """Another page's form uploads nothing."""
    editor = at_the_desk(pages, "editor")
    assert upload(editor, csrf="x").status_code == 403


def test_the_section_must_be_there(pages: SimpleNamespace) -> None:
    """No recording of a section that does not exist."""
    assert upload(at_the_desk(pages, "editor"), section="benefit").status_code == 404


def test_heard_in_the_answer(pages: SimpleNamespace) -> None:
    """The chat's answer that cites the section names its recording."""
    upload(at_the_desk(pages, "editor"))
    hit = pages.site.searcher().siblings("dibao", "45", clock.today())[1]
    with pages.site.database.read() as session:
        assert [row.language for row in playable(session, hit)] == ["白话"]
    pages.villager.post("/chat", data={"text": "低保怎么申请"})
    assert "<audio" in pages.villager.get("/").text
