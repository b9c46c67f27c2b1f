"""Signatures and sealed envelopes of WeChat and WeCom: AES-256-CBC, the key's own first half as IV, padding to 32 bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
import time

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from core.errors import MingbaiError

BLOCK = 32
RANDOM = 16


class NotFromPlatform(MingbaiError):
    """签名不对，或者不是发给这个账号的。"""


def key_of(encoded: str) -> bytes:
    """The 32 bytes of an EncodingAESKey. Raises ValueError."""
    try:
        key = base64.b64decode(f"{encoded}=", validate=True)
    except binascii.Error:
        key = b""
    if len(encoded) != 43 or len(key) != 32:
        raise ValueError("an EncodingAESKey has 43 characters of base64")
    return key


def is_fresh(stamp: str, clock_s: int) -> bool:
    """Whether a push's time lies within so many seconds of ours."""
    return stamp.isascii() and stamp.isdigit() and abs(time.time() - int(stamp[:12])) <= clock_s


def signature(*pieces: str) -> str:
    """SHA-1 over the sorted pieces: token, timestamp, nonce and, where messages are sealed, the sealed message."""
    return hashlib.sha1("".join(sorted(pieces)).encode()).hexdigest()  # noqa: S324  # WeChat's choice


def check_signature(expected: str, *pieces: str) -> None:
    """Compared in constant time. Raises NotFromPlatform."""
    if not hmac.compare_digest(expected.encode(), signature(*pieces).encode()):
        raise NotFromPlatform


def seal_envelope(key: bytes, message: bytes, receiver: str, random: bytes | None = None) -> str:
    """A message sealed for a receiver (our AppID or CorpID), base64."""
    raw = (random or secrets.token_bytes(RANDOM)) + struct.pack("!I", len(message)) + message + receiver.encode()
    padding = BLOCK - len(raw) % BLOCK
    sealer = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(sealer.update(raw + bytes([padding]) * padding) + sealer.finalize()).decode()


def open_envelope(keys: list[bytes], sealed: str, receiver: str) -> tuple[bytes, bytes]:
    """The message, and which of the keys opened it. Raises NotFromPlatform."""
    try:
        data = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError):
        raise NotFromPlatform from None
    if not data or len(data) % 16:
        raise NotFromPlatform
    for key in keys:
        opener = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        message = _unpacked(opener.update(data) + opener.finalize(), receiver)
        if message is not None:
            return message, key
    raise NotFromPlatform


def _unpacked(raw: bytes, receiver: str) -> bytes | None:
    """The message inside, or None where the padding, the length or the receiver is not as it must be."""
    padding = raw[-1]
    if not 1 <= padding <= BLOCK or raw[-padding:] != bytes([padding]) * padding:
        return None
    body = raw[RANDOM:-padding]
    if len(body) < 4:
        return None
    (size,) = struct.unpack("!I", body[:4])
    if 4 + size > len(body) or not hmac.compare_digest(body[4 + size :], receiver.encode()):
        return None
    return body[4 : 4 + size]
