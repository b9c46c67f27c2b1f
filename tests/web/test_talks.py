"""The desk's talks and alerts over HTTP: who sees what, what the villager is told, and what strangers get."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from cadres.case import Details
from channels.voice import Audio
from core import accounts
from tests.fakes import COUNTY, OTHER_VILLAGE, TOWN, VILLAGE
from web.desk import desk_router
from web.site import Site
from web.talks import talks_router

PEOPLE = {"village": VILLAGE, "town": TOWN, "county": COUNTY, "other": OTHER_VILLAGE, "editor": COUNTY}
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(range(100))


class Desk:
    """One cadre's browser."""

    def __init__(self, app: FastAPI, username: str) -> None:
        self.browser = TestClient(app, follow_redirects=False)
        csrf = self.token("/desk/login")
        data = {"username": username, "password": "right", "csrf": csrf}
        assert self.browser.post("/desk/login", data=data).status_code == 303

    def token(self, path: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.browser.get(path).text)
        assert found is not None
        return found[1]

    def text(self, path: str) -> str:
        """A page's words, or its status where it is refused."""
        response = self.browser.get(path)
        return re.sub(r"<[^>]+>|\s+", " ", response.text) if response.status_code == 200 else str(response.status_code)

    def press(self, path: str, csrf: str | None = None, **fields: str) -> int:
        form = "/desk" if self.browser.get("/desk").status_code == 200 else "/desk/login"  # an editor's desk is elsewhere
        return self.browser.post(path, data={"csrf": csrf or self.token(form), **fields}).status_code


@pytest.fixture
def app(site: Site) -> FastAPI:
    """The desk of a county with a cadre on each level, one beside them, and an editor."""
    with site.database.begin() as session:
        for username, region in PEOPLE.items():
            role = "village" if username == "other" else username
            accounts.add_account(session, username, f"人{username}", role, region, "right")
    app = FastAPI()
    app.include_router(desk_router(site))
    app.include_router(talks_router(site))
    return app


@pytest.fixture
def desks(app: FastAPI) -> dict[str, Desk]:
    """Everybody's browser, logged in."""
    return {username: Desk(app, username) for username in PEOPLE}


def request(site: Site, conversation: str = "c", *, voice: bool = False) -> str:
    """A villager asks something private, then for a person; gives the talk's address."""
    site.journal.record(conversation, text="私下的问题")
    audio = Audio(WAV, "audio/wav") if voice else None
    asked, _ = site.journal.record(conversation, text="" if voice else "我要找干部", audio=audio)
    with site.database.begin() as session:
        handoff = site.handoffs.request(session, conversation, VILLAGE, asked.id, voice=voice)
        assert handoff is not None
        return f"/desk/talks/{handoff.id}"


def told(site: Site) -> list[str]:
    """What the villager has been told."""
    return [line.text for line in site.journal.lines("c") if line.who != "villager"]


def urgent(site: Site, region: str = VILLAGE) -> str:
    """An urgent case that rings; gives its number."""
    with site.database.begin() as session:
        case = site.cases.open(session, "c", region, Details(event="救命啊"), [("villager", "救命啊")], danger="medical")
        site.alerts.start(session, case, "s")
        return case.number


def test_a_talk_from_the_request_to_the_end(site: Site, desks: dict[str, Desk]) -> None:
    """Listed without its words; taken, the villager is told; each reads the other; given back, it is over."""
    talk, village = request(site), desks["village"]
    listed = village.text("/desk/talks")
    assert "探花村" in listed
    assert "我要找干部" not in listed
    assert village.press(f"{talk}/take") == 303
    assert "人village" in told(site)[-1]
    shown = village.text(talk)
    assert "我要找干部" in shown
    assert "私下的问题" not in shown
    assert village.press(f"{talk}/say", text=" 您说\x00 ") == 303
    site.journal.record("c", text="我家的事是这样")
    assert "我家的事是这样" in village.text(f"{talk}/lines")
    (update,) = [one for one in site.journal.updates("c", "") if one["from"]["who"] == "cadre"]
    assert update["replies"][0]["text"] == "您说"
    assert "探花村" in update["from"]["name"]
    assert village.press(f"{talk}/back") == 303
    site.journal.record("c", text="以后的问题")
    assert "以后的问题" not in village.text(talk)
    assert village.press(f"{talk}/say", text="还在") == 409


def test_only_its_cadre_reads_a_talk(site: Site, desks: dict[str, Desk]) -> None:
    """Before it is taken nobody reads it; after, its cadre alone; outside the jurisdiction it does not exist."""
    talk = request(site)
    assert desks["village"].text(talk) == "409"
    assert desks["village"].press(f"{talk}/take") == 303
    codes = {name: (desk.text(talk), desk.text(f"{talk}/lines")) for name, desk in desks.items() if name != "village"}
    assert codes == {"town": ("409",) * 2, "county": ("409",) * 2, "other": ("404",) * 2, "editor": ("404",) * 2}
    for name, status in {"town": 409, "county": 409, "other": 404, "editor": 404}.items():
        for action in ("take", "say", "back"):
            assert desks[name].press(f"{talk}/{action}", text="x") == status
    assert len(told(site)) == 1


def test_strangers_see_no_list(desks: dict[str, Desk], site: Site) -> None:
    """Another village's list is empty, an editor has none, and without a log-in there is only the log-in."""
    request(site)
    assert "探花村" not in desks["other"].text("/desk/talks")
    assert desks["editor"].text("/desk/talks") == desks["editor"].text("/desk/bar") == "404"
    desks["village"].browser.cookies.clear()
    for path in ("/desk/talks", "/desk/talks/1", "/desk/talks/1/lines", "/desk/talks/1/voice/x", "/desk/bar"):
        assert desks["village"].text(path) == "303"


def test_forms_need_their_token(site: Site, desks: dict[str, Desk]) -> None:
    """A form from elsewhere changes nothing."""
    talk, number = request(site), urgent(site)
    for path in (f"{talk}/take", f"{talk}/say", f"{talk}/back", f"/desk/cases/{number}/seen", f"/desk/cases/{number}/talk"):
        assert desks["village"].press(path, csrf="forged") == 403
    assert told(site) == []


def test_a_recording_is_played_to_its_cadre_only(site: Site, desks: dict[str, Desk]) -> None:
    """Whoever took it may listen, whole or in parts; nobody else, and no other recording of the villager."""
    earlier, _ = site.journal.record("c", audio=Audio(WAV, "audio/wav"))
    talk = request(site, voice=True)
    recordings = [line.id for line in site.journal.lines("c") if line.voice]
    address = f"{talk}/voice/{recordings[-1]}"
    assert desks["village"].text(address) == "409"
    desks["village"].press(f"{talk}/take")
    assert address in desks["village"].browser.get(talk).text
    whole = desks["village"].browser.get(address)
    assert (whole.content, whole.headers["content-type"], whole.headers["cache-control"]) == (
        WAV,
        "audio/wav",
        "private, no-store",
    )
    part = desks["village"].browser.get(address, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, WAV[2:6], f"bytes 2-5/{len(WAV)}")
    for wanted, content in [("bytes=4-", WAV[4:]), ("bytes=0-99999", WAV), ("bytes=99999-", WAV), ("lines=1", WAV)]:
        assert desks["village"].browser.get(address, headers={"Range": wanted}).content == content
    assert desks["village"].text(f"{talk}/voice/{earlier.id}") == "404"
    assert desks["village"].text(f"{talk}/voice/%00") == "404"
    assert {desks[name].text(address) for name in ("town", "county")} == {"409"}
    assert {desks[name].text(address) for name in ("other", "editor")} == {"404"}


def test_an_alert_stands_on_every_page(site: Site, desks: dict[str, Desk]) -> None:
    """Village and township see the bar on list, case, talks and by itself; the county not yet; strangers never."""
    number = urgent(site)
    for path in ("/desk", "/desk/talks", "/desk/bar", f"/desk/cases/{number}"):
        assert "我看到了" in desks["village"].text(path)
        assert "我看到了" in desks["town"].text(path)
    assert "我看到了" not in desks["county"].text("/desk/talks")
    assert "我看到了" not in desks["other"].text("/desk") + desks["editor"].text("/desk")


def test_only_an_acknowledgement_says_that_it_was_seen(site: Site, desks: dict[str, Desk]) -> None:
    """Looking at the case tells the villager nothing; pressing the button does, once, and the bar is gone."""
    number = urgent(site)
    desks["town"].text(f"/desk/cases/{number}")
    assert told(site) == []
    assert desks["town"].press(f"/desk/cases/{number}/seen") == 303
    assert desks["village"].press(f"/desk/cases/{number}/seen") == 303
    (said,) = told(site)
    assert "岑城镇已看到" in said
    assert "110" in said
    assert "我看到了" not in desks["village"].text("/desk/talks")
    assert "人town" in desks["village"].text(f"/desk/cases/{number}")


@pytest.mark.parametrize(("name", "status"), [("other", 404), ("editor", 404)])
def test_strangers_acknowledge_nothing(site: Site, desks: dict[str, Desk], name: str, status: int) -> None:
    """Outside the jurisdiction neither alert nor conversation of a case can be touched."""
    number = urgent(site)
    assert desks[name].press(f"/desk/cases/{number}/seen") == status
    assert desks[name].press(f"/desk/cases/{number}/talk") == status
    assert told(site) == []


def test_accepting_is_an_acknowledgement(site: Site, desks: dict[str, Desk]) -> None:
    """Who accepts the case has seen it: the alert stops, and the villager hears it once."""
    number = urgent(site)
    desks["village"].press(f"/desk/cases/{number}/accept")
    assert "我看到了" not in desks["village"].text("/desk")
    assert len(told(site)) == 1


def test_a_cadre_talks_from_the_case(site: Site, desks: dict[str, Desk]) -> None:
    """From the case's page a cadre takes its conversation, reads nothing said before, and sees danger named."""
    site.journal.record("c", text="私下的问题")
    number = urgent(site)
    response = desks["village"].browser.post(f"/desk/cases/{number}/talk", data={"csrf": desks["village"].token("/desk")})
    talk = response.headers["location"]
    shown = desks["village"].text(talk)
    assert "私下的问题" not in shown
    assert number in shown
    assert "人village" in told(site)[-1]
    assert desks["town"].press(f"/desk/cases/{number}/talk") == 409


def test_the_number_of_waiting_talks(site: Site, desks: dict[str, Desk]) -> None:
    """The menu counts what has come up to one's level."""
    request(site)
    assert "等着的 1" in desks["village"].text("/desk")
    assert "等着的" not in desks["town"].text("/desk")


def test_a_case_elsewhere_is_not_named_in_a_talk(site: Site, desks: dict[str, Desk]) -> None:
    """The urgent case of a conversation that belongs to another place is no business of the talk's cadre."""
    number = urgent(site, OTHER_VILLAGE)
    talk = request(site)
    desks["village"].press(f"{talk}/take")
    assert number not in desks["village"].text(talk)
