"""Signatures and envelopes against WeChat's own vectors and against wechatpy."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import check_signature as their_check

from channels.envelope import NotFromPlatform, check_signature, open_envelope, seal_envelope, signature

KEY_TEXT = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
KEY = base64.b64decode(KEY_TEXT + "=")
RECEIVER = "wx49f0ab532d5d035a"
ECHO = "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q=="


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (("AAAAA", "1714036504", "1514711492"), "f464b24fc39322e44b38aa78f5edd27bd1441696"),
        (("AAAAA", "1714037059", "486452656"), "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
        (("123456", "1411443780", "437374425", ECHO), "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96"),
    ],
)
def test_signatures_of_the_documents(pieces: tuple[str, ...], expected: str) -> None:
    """The platform's own examples; any other is refused."""
    assert signature(*pieces) == expected
    check_signature(expected, *pieces)
    for wrong in ("", "0" * 40, "签", expected.upper()):
        with pytest.raises(NotFromPlatform):
            check_signature(wrong, *pieces)


def test_envelopes_of_the_documents() -> None:
    """Opened and sealed as others do it."""
    assert open_envelope([KEY], ECHO, RECEIVER) == (b"5927782489442352469", KEY)
    assert seal_envelope(KEY, b"<xml>hi</xml>", RECEIVER, b"0123456789abcdef") == (
        "pxDvIKtJjb6ivztGO70jSjv3lA/TjlQIk0KH0P6fy38WbXKW2WkUB0oAK8j5YnfcYUo1AEymBh2buXZQ4hrRhw=="
    )


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=300), st.text("abc123", min_size=1, max_size=9))
def test_two_implementations_agree(text: str, nonce: str) -> None:
    """What we seal wechatpy opens, and the other way round; signatures too."""
    theirs = WeChatCrypto("token", KEY_TEXT, RECEIVER)
    body = f"<xml><A><![CDATA[{text.replace(']]>', '')}]]></A></xml>"
    sealed = seal_envelope(KEY, body.encode(), RECEIVER)
    signed = signature("token", "1700000000", nonce, sealed)
    envelope = f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    opened = theirs.decrypt_message(envelope, signed, "1700000000", nonce)
    assert (opened if isinstance(opened, str) else opened.decode()) == body
    import xmltodict

    by_them = xmltodict.parse(theirs.encrypt_message(body, nonce, "1700000000"))["xml"]
    check_signature(by_them["MsgSignature"], "token", "1700000000", nonce, by_them["Encrypt"])
    assert open_envelope([KEY], by_them["Encrypt"], RECEIVER)[0].decode() == body
    their_check("token", signature("token", "1", nonce), "1", nonce)


def test_another_key_or_receiver_is_refused() -> None:
    """The old key still opens while keys change, and is named; a stranger's envelope never does."""
    old, other = bytes(range(32)), bytes(32)
    sealed = seal_envelope(old, b"hi", RECEIVER)
    assert open_envelope([KEY, old], sealed, RECEIVER) == (b"hi", old)
    for keys, receiver in (([KEY], RECEIVER), ([other, KEY], RECEIVER), ([old], "wx0"), ([], RECEIVER)):
        with pytest.raises(NotFromPlatform):
            open_envelope(keys, sealed, receiver)


@given(st.binary(max_size=200))
def test_rubbish_is_refused(data: bytes) -> None:
    """Any bytes, as they are or as base64: never another error."""
    for sealed in (data.decode("latin-1"), base64.b64encode(data).decode()):
        with pytest.raises(NotFromPlatform):
            open_envelope([KEY], sealed, RECEIVER)
