"""Complaints reach the level above and nobody below; texts stop at a fixed word, or after one digit."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.records import Conversation, wants_notices
from bot.texts import Texts
from cadres.complaint import Complaint, Complaints
from core.accounts import Account, add_account
from core.crypto import Vault
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE
from tests.talk import Talk, texts

TEXTS = Texts()


def seen_by(talk: Talk, vault: Vault, region: str, role: str = "village") -> list[str]:
    """The complaints that an account of a place may see."""
    complaints = Complaints(vault)
    account = Account(username="x", name="x", role=role, region=region, password_hash="")
    with talk.database.read() as session:
        return [complaints.text(row) for row in complaints.visible(session, account)]


@pytest.mark.parametrize(
    ("text", "sees", "sees_not"),
    [
        ("探花村的支书收了我家五百块", [TOWN, COUNTY], [VILLAGE, "450481102", OTHER_VILLAGE]),
        ("岑城镇民政办的人收了我家五百块", [COUNTY], [VILLAGE, TOWN]),
        ("村支书收了我家五百块", [COUNTY], [VILLAGE, TOWN]),
        ("县里的领导收了我家五百块", [], [VILLAGE, TOWN, COUNTY]),
    ],
)
def test_a_complaint_is_seen_above_only(talk: Talk, vault: Vault, text: str, sees: list[str], sees_not: list[str]) -> None:
    """The level above the one complained of reads it, the unit itself and its neighbours do not."""
    answer = talk.say(text, "complain")
    assert answer.understood.kind == "complaint"
    assert [region for region in (*sees, *sees_not) if seen_by(talk, vault, region)] == sees
    assert seen_by(talk, vault, COUNTY, "editor") == []
    assert "12345" in texts(answer)


def test_what_is_said_of_the_county_is_not_recorded(talk: Talk) -> None:
    """Nobody here may read it, and the villager is told that it was not noted: nothing is."""
    assert "没有记" in texts(talk.say("县里的领导收了我家五百块", "complain"))
    with talk.database.read() as session:
        assert session.scalars(select(Complaint)).all() == []


def test_a_person_named_does_not_see_it(talk: Talk, vault: Vault) -> None:
    """Who is named in it, with an account at the township, moves it above the township."""
    with talk.database.begin() as session:
        add_account(session, "gan", "甘海生", "town", TOWN, "x")
    talk.say("探花村的甘海生收了我家五百块", "complain")
    assert seen_by(talk, vault, TOWN) == []
    assert len(seen_by(talk, vault, COUNTY)) == 1


@pytest.mark.parametrize("text", ["我要投诉", "去哪里投诉村干部", "举报打什么电话"])
def test_asking_where_records_nothing(talk: Talk, vault: Vault, text: str) -> None:
    """Who only asks where to complain is told, and nothing is recorded."""
    assert "12317" in texts(talk.say(text, "complain"))
    assert seen_by(talk, vault, COUNTY) == []


def test_a_complaint_is_taken_back_by_its_sender_only(talk: Talk, talker, vault: Vault) -> None:
    """«1» takes it back; a stranger's payload does not."""
    talk.say("探花村的支书收了我家五百块", "complain")
    with talk.database.read() as session:
        complaint_id = session.query(Complaint).one().id
    talker().say("撤回", payload=f"take_back:{complaint_id}")
    assert len(seen_by(talk, vault, TOWN)) == 1
    assert texts(talk.say("1")) == TEXTS.say("complaint_taken_back")
    assert seen_by(talk, vault, TOWN) == []


def wanted(talk: Talk) -> tuple[bool | None, bool]:
    """Whether broadcasts and news of one's own case are wanted."""
    with talk.database.read() as session:
        row = session.get(Conversation, talk.key)
        return row.texts_wanted if row else None, wants_notices(session, talk.key)


@pytest.mark.parametrize("word", ["退订", "TD", "t", "【岑溪政策】拒收。", "ＳＴＯＰ"])
def test_a_fixed_word_stops_texts_at_once(talk: Talk, word: str) -> None:
    """Without any understanding, and confirmed; news of one's own case goes on."""
    answer = talk.say(word, "greet")
    assert (answer.understood.kind, texts(answer)) == ("optout", TEXTS.say("opt_out"))
    assert wanted(talk) == (False, True)


def test_free_words_are_confirmed_by_one_digit(talk: Talk) -> None:
    """«天天发烦死了» is asked back; «1» stops the texts."""
    talk.say("天天发烦死了，别发了", "opt_out")
    assert wanted(talk) == (None, True)
    assert talk.say("1").understood.kind == "optout"
    assert wanted(talk) == (False, True)


def test_another_word_after_the_question_stops_nothing(talk: Talk) -> None:
    """What is no yes leaves the texts as they were."""
    talk.say("天天发烦死了，别发了", "opt_out")
    talk.say("低保怎么申请", "ask_policy")
    talk.say("1")
    assert wanted(talk)[0] is None


def test_news_of_ones_own_case_is_refused_separately(talk: Talk) -> None:
    """«我的事也别发了» stops both; «订阅» brings both back."""
    talk.say("我的事也别发了")
    assert wanted(talk) == (False, False)
    talk.say("订阅")
    assert wanted(talk) == (True, True)
