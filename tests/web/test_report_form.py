"""The self-report as a form: the same case as in the chat, once, danger first."""

from __future__ import annotations

import html
import re
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from cadres.case import Case
from tests.fakes import VILLAGE

URL = f"/v/{VILLAGE}/report"


def cases(pages: SimpleNamespace) -> list[Case]:
    """What was filed."""
    with pages.site.database.read() as session:
        return list(session.scalars(select(Case)))


def form_id(page: str) -> str:
    """The id that the form carries."""
    found = re.search(r'name="form_id" value="(\w+)"', page)
    assert found is not None
    return found.group(1)


def test_a_form_files_the_chats_case(pages: SimpleNamespace) -> None:
    """Place from the code, words and phone as told, a number to keep; sent twice it is one."""
    page = pages.villager.get(URL)
    assert "探花村" in page.text
    form = {"event": "老公住院，花了五万", "phone": "138 0013 8000", "whom": "", "form_id": form_id(page.text)}
    answers = [pages.villager.post(URL, data=form) for _ in range(2)]
    [case] = cases(pages)
    details = pages.site.cases.details(case)
    assert (case.region, case.urgency, case.state) == (VILLAGE, "routine", "reported")
    assert (details.event, details.contact) == ("老公住院，花了五万", "+8613800138000")
    for answer in answers:
        assert answer.status_code == 200
        assert f"编号 <b>{case.number}</b>" in answer.text
        assert "莫某" in answer.text
    assert case.notice is not None


def test_a_neighbours_report(pages: SimpleNamespace) -> None:
    """It is one for somebody else; without a phone it is filed all the same."""
    pages.villager.post(URL, data={"event": "房子漏雨没人管", "whom": "隔壁黄大叔", "form_id": "a1"})
    [case] = cases(pages)
    details = pages.site.cases.details(case)
    assert case.proxy
    assert (details.whom, details.contact) == ("隔壁黄大叔", "")


@pytest.mark.parametrize(
    ("form", "words"),
    [({"event": ""}, "出了什么事"), ({"event": "病"}, "出了什么事"), ({"event": "老公住院", "phone": "123"}, "号码不对")],
)
def test_what_is_missing_is_said(pages: SimpleNamespace, form: dict[str, str], words: str) -> None:
    """In the form, with what was typed still there; nothing is filed."""
    answer = pages.villager.post(URL, data=form)
    assert answer.status_code == 422
    assert words in answer.text
    assert html.escape(form["event"]) in answer.text
    assert cases(pages) == []


def test_danger_comes_first(pages: SimpleNamespace) -> None:
    """Words of danger get the numbers at once and an urgent case at the village."""
    answer = pages.villager.post(URL, data={"event": "救命，我老公要打死我", "form_id": "d1"})
    assert "110" in answer.text
    [case] = cases(pages)
    assert (case.urgency, case.region) == ("urgent", VILLAGE)


def test_a_form_of_no_village(pages: SimpleNamespace) -> None:
    """Another county's or no code at all: there is no such page."""
    for code in ("450481", "000000000000", "x"):
        assert pages.villager.get(f"/v/{code}/report").status_code == 404
        assert pages.villager.post(f"/v/{code}/report", data={"event": "老公住院"}).status_code == 404


def test_markup_is_words(pages: SimpleNamespace) -> None:
    """What is typed comes back as text."""
    answer = pages.villager.post(URL, data={"event": "x", "whom": '"><script>alert(1)</script>'})
    assert "<script>alert" not in answer.text
