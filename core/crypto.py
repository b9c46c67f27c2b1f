"""Encryption at rest, and keyed hashes to search by what is encrypted."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import MingbaiError

_NONCE = 12


class SealBroken(MingbaiError):
    """数据无法解密：密钥不对，或者数据被改动过。"""


class Vault:
    """Seals texts with AES-256-GCM and makes look-up hashes. One key a data directory."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("the key must have 32 bytes")
        self._cipher = AESGCM(hmac.digest(key, b"seal", hashlib.sha256))
        self._lookup_key = hmac.digest(key, b"lookup", hashlib.sha256)
        self.signing_key = hmac.digest(key, b"cookies", hashlib.sha256).hex()

    @classmethod
    def open(cls, data_dir: Path) -> Vault:
        """Read the key of a data directory, or make one (mode 0600) when there is none."""
        file = data_dir / "secret.key"
        if not file.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(secrets.token_bytes(32))
        return cls(file.read_bytes())

    def seal(self, text: str) -> bytes:
        return self.seal_bytes(text.encode())

    def unseal(self, sealed: bytes) -> str:
        """The text again. Raises SealBroken."""
        return self.unseal_bytes(sealed).decode()

    def seal_bytes(self, plain: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, None)

    def unseal_bytes(self, sealed: bytes) -> bytes:
        """The bytes again. Raises SealBroken."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
        except (InvalidTag, ValueError) as error:  # ValueError: too short to hold a nonce
            raise SealBroken from error

    def seal_json(self, value: Any) -> bytes:
        return self.seal(json.dumps(value, ensure_ascii=False))

    def unseal_json(self, sealed: bytes) -> Any:
        return json.loads(self.unseal(sealed))

    def lookup(self, value: str) -> str:
        """A keyed hash: equal values can be found, the value cannot be read from it."""
        return self.lookup_bytes(value).hex()

    def lookup_bytes(self, value: str, size: int = 32) -> bytes:
        """The same as bytes, the first ``size``: half the room where millions are indexed."""
        return hmac.digest(self._lookup_key, value.encode(), "sha256")[:size]
