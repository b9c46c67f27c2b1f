"""The desk's page on which criteria are confirmed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.knowledge_base.criteria_cases import criteria
from tests.web.conftest import at_the_desk, csrf_of

PAGE = "/desk/precheck"
ONE = f"{PAGE}/45/dibao"


def form(browser: object, **more: str) -> dict[str, str]:
    """The form as it stands on the page."""
    return {"csrf": csrf_of(browser.get(PAGE)), "digest": criteria().digest, "figure_line": "8000", **more}  # type: ignore[attr-defined]


@pytest.mark.parametrize("username", ["county", "editor"])
def test_confirmed_with_who_and_when_and_taken_back(pages: SimpleNamespace, username: str) -> None:
    """The county's level and editors confirm; the page says who; the villager's page opens and closes."""
    browser = at_the_desk(pages, username)
    assert "还没有核对过" in browser.get(PAGE).text
    assert browser.post(ONE, data=form(browser, figure_line="8200")).status_code == 303
    page = browser.get(PAGE).text
    assert f"已核对2024年标准：{username}某" in page
    assert "8200元/人·年" in pages.villager.get("/sheets/45/dibao/precheck").text
    assert browser.post(ONE, data=form(browser, withdraw="1")).status_code == 303
    assert "关掉了" in browser.get(PAGE).text
    assert pages.villager.get("/sheets/45/dibao/precheck").status_code == 404


@pytest.mark.parametrize("username", ["town", "village"])
def test_others_do_not_find_it(pages: SimpleNamespace, username: str) -> None:
    """For a township or a village the page does not exist, whatever they send."""
    browser = at_the_desk(pages, username)
    assert browser.get(PAGE).status_code == 404
    assert browser.post(ONE, data={"csrf": "x", "figure_line": "1"}).status_code == 404
    assert pages.villager.get(PAGE).status_code == 303


def test_a_form_needs_its_token(pages: SimpleNamespace) -> None:
    """Another page's form changes nothing."""
    browser = at_the_desk(pages, "county")
    assert browser.post(ONE, data=form(browser, csrf="x")).status_code == 403
    assert "还没有核对过" in browser.get(PAGE).text


@pytest.mark.parametrize("changes", [{"figure_line": ""}, {"figure_line": "0"}, {"figure_line": "八千"}, {"figure_line": "９"},
                                     {"figure_line": "99999999999"}, {"digest": "0" * 16}])  # fmt: skip
def test_what_cannot_be_confirmed(pages: SimpleNamespace, changes: dict[str, str]) -> None:
    """A figure that is none, or criteria that have changed since the page was opened: a reason, and nothing is on."""
    browser = at_the_desk(pages, "county")
    answer = browser.post(ONE, data=form(browser, **changes))
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert pages.villager.get("/sheets/45/dibao/precheck").status_code == 404


def test_no_such_criteria(pages: SimpleNamespace) -> None:
    """A sheet without criteria cannot be confirmed."""
    browser = at_the_desk(pages, "county")
    assert browser.post(f"{PAGE}/45/none", data=form(browser)).status_code == 404
