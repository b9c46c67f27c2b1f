"""Messages that did not get through, on the county's desk."""

from __future__ import annotations

from types import SimpleNamespace

from core.delivery import TRIES, Outcome, Result, State
from core.outbox import Claimed, Outbox, Outgoing
from tests.web.conftest import at_the_desk, csrf_of


def stuck(pages: SimpleNamespace) -> tuple[Outbox, dict[str, str]]:
    """A dead, an unknown and a sent message; the first two by id."""
    outbox = Outbox(pages.site.database, pages.site.vault)
    with pages.site.database.begin() as session:
        outbox.enqueue(session, [Outgoing(str(n), "sms", f"+8525123456{n}", {"text": "悄悄话"}) for n in range(3)])
    dead, unknown, sent = outbox.claim("sms", "me", 3)
    dead = Claimed(**{**vars(dead), "tries": TRIES})
    outcomes = [
        (dead, Outcome(Result.RETRY, "30001")),
        (unknown, Outcome(Result.UNKNOWN, "not found")),
        (sent, Outcome(Result.SENT)),
    ]
    outbox.complete("me", outcomes)
    return outbox, {"dead": dead.id, "unknown": unknown.id}


def test_the_county_sees_what_is_stuck(pages: SimpleNamespace) -> None:
    """State and reason in plain words, nothing of whom and what; only a dead one can be sent again, once."""
    outbox, ids = stuck(pages)
    desk = at_the_desk(pages, "county")
    page = desk.get("/desk/letters")
    for words in ("没发出去", "30001", "不知道收到没有", "断了线"):
        assert words in page.text
    assert "悄悄话" not in page.text
    assert "+852" not in page.text
    csrf = csrf_of(page)
    assert desk.post(f"/desk/letters/{ids['dead']}/retry", data={"csrf": "wrong"}).status_code == 403
    assert desk.post(f"/desk/letters/{ids['unknown']}/retry", data={"csrf": csrf}).status_code == 404
    assert desk.post(f"/desk/letters/{ids['dead']}/retry", data={"csrf": csrf}).status_code == 303
    assert desk.post(f"/desk/letters/{ids['dead']}/retry", data={"csrf": csrf}).status_code == 404
    assert outbox.state(ids["dead"]) == State.QUEUED


def test_nobody_else_does(pages: SimpleNamespace) -> None:
    """Not the township, nor who keeps sheets."""
    for username in ("town", "village", "editor"):
        assert at_the_desk(pages, username).get("/desk/letters").status_code == 404
