"""Pushes and replies as XML, checked against wechatpy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy import parse_message

from channels.pushed import NoPush, cdata, fields_of
from channels.wechat.push import Push, parse_push, text_reply
from channels.wechat.render import joined, parts_of, spoken
from tests.simulators.wechat import message

BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><Content>&b;</Content></xml>"""
OUTSIDE = b"""<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Content>&a;</Content></xml>"""


def push(kind: str, **fields: str) -> Push:
    """A parsed push."""
    return parse_push(message("oOPENID", kind, fields).encode())


def test_a_text() -> None:
    """Its fields as wechatpy reads them."""
    body = message("oOPENID", "text", {"Content": "低保怎么办", "MsgId": "6272960105994287618"})
    ours, theirs = parse_push(body.encode()), parse_message(body)
    assert (ours.openid, ours.account, ours.kind) == (theirs.source, theirs.target, theirs.type)
    assert ours.fields["Content"] == theirs.content
    assert ours.id == str(theirs.id)


@pytest.mark.parametrize(
    ("event", "key", "scene"),
    [
        ("subscribe", "", ""), ("subscribe", "qrscene_village:450481100201", "village:450481100201"),
        ("SCAN", "village:450481100201", "village:450481100201"), ("CLICK", "do:ask_status", ""), ("subscribe", "trade_1", ""),
    ],
)  # fmt: skip
def test_scenes(event: str, key: str, scene: str) -> None:
    """A code scanned by a new follower or an old one, and what is none."""
    assert push("event", Event=event, EventKey=key).scene == scene


def test_events_have_ids_of_their_own() -> None:
    """The same event again is the same; another key, second or sender is another."""
    one = push("event", Event="CLICK", EventKey="a", CreateTime="1")
    assert one.id == push("event", Event="CLICK", EventKey="a", CreateTime="1").id
    others = [
        push("event", Event="CLICK", EventKey="b", CreateTime="1"),
        push("event", Event="CLICK", EventKey="a", CreateTime="2"),
    ]
    assert len({one.id, *(other.id for other in others)}) == 3
    assert len(one.id) <= 80


@pytest.mark.parametrize("body", [b"", b"<xml>", b"{}", b"<xml></xml>", BOMB, OUTSIDE, b"\xff\xfe", b"<a>" * 5000, b"success"])
def test_what_is_no_push_is_refused(body: bytes) -> None:
    """Broken XML, missing fields, entities: one error."""
    with pytest.raises(NoPush):
        parse_push(body)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(body: bytes) -> None:
    """Never another error."""
    try:
        parse_push(body)
    except NoPush:
        return


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=200))
def test_a_reply_is_read_back(text: str) -> None:
    """Whatever it says, end marks of CDATA included."""
    for said in (text, f"{text}]]>{text}", f"]]{text}>"):
        reply = fields_of(text_reply(push("text", Content="x", MsgId="1"), said, 1))
        assert reply["Content"] == said
        assert (reply["ToUserName"], reply["MsgType"]) == ("oOPENID", "text")
    assert cdata("a") == "<![CDATA[a]]>"


def test_rendering() -> None:
    """Bubbles, then the choices with their numbers; long answers in parts of 2,048 bytes."""
    replies = [{"text": "到村里申请。", "buttons": []}, {"text": "来源", "buttons": [{"title": "要带什么", "payload": "x"}]}]
    assert spoken(replies) == "到村里申请。\n\n来源\n\n回数字：\n1 要带什么"
    assert spoken([]) == ""
    assert parts_of({"replies": []}) == []
    assert [len(part.encode()) <= 2048 for part in parts_of({"text": "一句话。" * 400})] == [True] * 3
    assert joined(["一", "", "二"]) == ("一\n\n二", [])
    assert joined([]) == ("", [])
    assert len(joined(["一" * 600, "二" * 600])[1]) == 1
