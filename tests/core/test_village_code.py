"""Village codes: one in force for a village, counted, revoked, replaced."""

from __future__ import annotations

import pytest

from core.database import Database
from core.village_code import ALPHABET, LENGTH, NoSuchCode, code_of, codes_below, issue, reissue, revoke, scanned
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE


def test_each_village_gets_one(database: Database) -> None:
    """A second issue makes only what is missing; tokens are short and can be typed."""
    with database.begin() as session:
        first = issue(session, [VILLAGE, VILLAGE])
        second = issue(session, [VILLAGE, OTHER_VILLAGE])
        assert [code.village for code in first + second] == [VILLAGE, OTHER_VILLAGE]
        assert all(len(code.token) == LENGTH and set(code.token) <= set(ALPHABET) for code in first + second)
        assert [code.village for code in codes_below(session, COUNTY)] == [VILLAGE, OTHER_VILLAGE]
        assert [code.village for code in codes_below(session, TOWN)] == [VILLAGE]


def test_scans_are_counted(database: Database) -> None:
    """How often and when last; nothing of who."""
    with database.begin() as session:
        [code] = issue(session, [VILLAGE])
        for _ in range(3):
            scanned(session, code.token)
    with database.read() as session:
        found = code_of(session, code.token)
        assert found is not None
        assert found.scans == 3
        assert found.scanned_at is not None
        assert code_of(session, "x" * LENGTH) is None
        assert code_of(session, "x" * 500) is None


def test_a_code_is_replaced(database: Database) -> None:
    """The old one leads nowhere and keeps its count; the new one begins at nothing; twice is an error."""
    with database.begin() as session:
        [old] = issue(session, [VILLAGE])
        scanned(session, old.token)
        new = reissue(session, old.token)
        assert (new.village, new.scans) == (VILLAGE, 0)
        assert new.token != old.token
        assert [code.token for code in codes_below(session, VILLAGE)] == [new.token]
        session.refresh(old)
        assert old.scans == 1
        for token in (old.token, "nothing"):
            with pytest.raises(NoSuchCode):
                revoke(session, token)
