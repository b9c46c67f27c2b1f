"""The XML that WeChat and WeCom push, and that is answered to them."""

from __future__ import annotations

from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from core.errors import MingbaiError


class NoPush(MingbaiError):
    """这不是微信的消息。"""


def fields_of(body: bytes) -> dict[str, str]:
    """The fields of an XML body. Entities and document types are refused. Raises NoPush."""
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise NoPush from None
    return {child.tag: child.text or "" for child in root}


def sealed_reply(sealed: str, signed: str, at: int, nonce: str) -> bytes:
    """A passive reply in safe mode."""
    return (
        f"<xml><Encrypt>{cdata(sealed)}</Encrypt><MsgSignature>{cdata(signed)}</MsgSignature>"
        f"<TimeStamp>{at}</TimeStamp><Nonce>{cdata(nonce)}</Nonce></xml>"
    ).encode()


def cdata(text: str) -> str:
    """A text as CDATA; its own end marks are split, or what follows them would be read as XML."""
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"
