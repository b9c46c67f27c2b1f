"""Encryption at rest."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.crypto import SealBroken, Vault

VAULT = Vault(bytes(range(32)))


@given(st.text())
def test_a_sealed_text_comes_back(text: str) -> None:
    """Whatever text is sealed, unsealing gives it again."""
    assert VAULT.unseal(VAULT.seal(text)) == text


def test_sealing_twice_differs_and_hides_the_text() -> None:
    """Equal texts have different seals, and neither contains the text."""
    text = "老公住院，花了五万"
    first, second = VAULT.seal(text), VAULT.seal(text)
    assert first != second
    assert text.encode() not in first


@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_changed_seal_is_refused(place: int, change: int) -> None:
    """One changed byte anywhere makes a seal break."""
    sealed = bytearray(VAULT.seal("编号100015"))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(SealBroken):
        VAULT.unseal(bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"short", b"x" * 12, b"x" * 27])
def test_what_is_no_seal_is_refused(sealed: bytes) -> None:
    """Bytes too short to be a seal break like a changed one."""
    with pytest.raises(SealBroken):
        VAULT.unseal(sealed)


def test_another_key_opens_nothing() -> None:
    """A seal of one data directory does not open in another."""
    with pytest.raises(SealBroken):
        Vault(bytes(32)).unseal(VAULT.seal("秘密"))


def test_json_comes_back() -> None:
    """A JSON value with Chinese, nothing and nesting survives the seal."""
    value = {"名": ["一", None, {"真": True}], "数": 1.5}
    assert VAULT.unseal_json(VAULT.seal_json(value)) == value


def test_the_lookup_hash_is_keyed() -> None:
    """Equal values hash alike under one key, differently under another, and other values differ."""
    assert VAULT.lookup("web:a") == VAULT.lookup("web:a") != VAULT.lookup("web:b")
    assert Vault(bytes(32)).lookup("web:a") != VAULT.lookup("web:a")


def test_a_data_directory_keeps_its_key(tmp_path: Path) -> None:
    """The first opening makes a key that only the owner reads, the second finds it."""
    directory = tmp_path / "new" / "data"
    sealed = Vault.open(directory).seal("留下")
    assert stat.S_IMODE((directory / "secret.key").stat().st_mode) == 0o600
    assert Vault.open(directory).unseal(sealed) == "留下"


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    """Only 32 bytes make a key."""
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(bytes(length))


def test_the_three_keys_differ() -> None:
    """What signs cookies is neither the look-up key's hash nor the key itself."""
    assert VAULT.signing_key not in (bytes(range(32)).hex(), VAULT.lookup(""))
