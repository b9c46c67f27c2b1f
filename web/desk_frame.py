"""What every page of the desk stands in: who is logged in, the forms' tokens, the frame around the page."""

from __future__ import annotations

import hmac
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Depends, HTTPException, Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.datastructures import FormData

from core import clock
from core.accounts import Account, DeskSession, session_of
from core.rights import ROLES, Right, covers, is_cadre, may
from web.site import Site


class HasPlace(Protocol):
    """A row of a place."""

    @property
    def region(self) -> str: ...


Placed = TypeVar("Placed", bound=HasPlace)
SESSION_COOKIE = "mingbai_desk"
FORM_LIFE_S = 12 * 3600

DANGERS = {
    "suicide": "可能轻生", "violence": "暴力", "hunger": "断粮", "child_alone": "孩子没人管", "trapped": "被困",
    "medical": "急病重伤", "general": "求救", "unknown": "有危险",
}  # fmt: skip


class DeskFrame:
    """The frame of one site's desk; every router of the desk has one."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._forms = URLSafeTimedSerializer(site.vault.signing_key, salt="desk form")

    def account(self, request: Request) -> Account:
        """Who is logged in. Raises an HTTP error that leads to the log-in page, or to what is missing of the log-in."""
        row = self.log_in_of(request)
        if not row.verified:
            raise _GoTo("/desk/code")
        if row.account.must_change:
            raise _GoTo("/desk/password")
        return row.account

    def log_in_of(self, request: Request) -> DeskSession:
        """The log-in as it stands, perhaps without its code or with a password to be changed."""
        token = request.cookies.get(SESSION_COOKIE, "")
        with self._site.database.read() as session:
            row = session_of(session, token) if token else None
            if row is None:
                raise _GoTo("/desk/login")
            assert row.account is not None  # loaded while the transaction is open
        return row

    def holder(self, request: Request, right: Right) -> Account:
        """Who is logged in, if their role has a right; to others these pages do not exist (404)."""
        account = self.account(request)
        if not may(account, right):
            raise HTTPException(404)
        return account

    def own(self, account: Account, kind: type[Placed], number: int) -> Placed:
        """A row by its number, if it is of the account's place; other places' rows do not exist (404)."""
        with self._site.database.read() as session:
            row = session.get(kind, number)
        if row is None or not covers(account, row.region):
            raise HTTPException(404)
        return row

    def cadre(self, request: Request) -> Account:
        """Who is logged in, if they work with villagers; to others these pages do not exist (404)."""
        return self.holder(request, Right.WORK_CASES)

    def office(self, account: Account) -> str:
        """How a villager is told where a cadre sits."""
        return self._site.regions.spoken(account.region) or account.name

    def spoken_name(self, account: Account) -> str:
        """How a villager is told who speaks."""
        return f"{account.name}（{self.office(account)}）"

    def editor(self, request: Request) -> Account:
        """Who is logged in, if they keep the sheets; to others these pages do not exist (404)."""
        return self.holder(request, Right.KEEP_SHEETS)

    def keeps_criteria(self, account: Account) -> bool:
        """Whether somebody may confirm a pre-check's criteria: the county's level, and those who keep the sheets."""
        return account.is_editor or (account.role == "county" and account.region == self._site.county.code)

    def page(self, request: Request, name: str, account: Account, status: int = 200, **context: Any) -> Response:
        """A template of the desk, with the person's name and the token that its forms carry (``csrf``)."""
        shown = {
            "name": account.name,
            "role": ROLES.get(account.role, account.role),
            "place": self._site.regions.spoken(account.region),
            "is_editor": account.is_editor,
            "is_cadre": is_cadre(account),
            "broadcasts": may(account, Right.BROADCAST),
            "supervises": may(account, Right.SUPERVISE),
            "sees_letters": may(account, Right.SUPERVISE) and account.region == self._site.county.code,
            "keeps_criteria": self.keeps_criteria(account),
        }
        csrf = self.token(request.cookies[SESSION_COOKIE][:16])
        return self._site.page(request, name, status, account=shown, csrf=csrf, **self._waiting(account), **context)

    def _waiting(self, account: Account) -> dict[str, Any]:
        """What every page of the desk shows to a cadre: alerts that nobody acknowledged, and how many wait to talk."""
        if not is_cadre(account):
            return {"alerts": [], "talks": 0}
        with self._site.database.read() as session:
            ringing = self._site.alerts.ringing(session, account)
            talks = self._site.handoffs.waiting(session, account)
        alerts = [
            {
                "number": case.number, "danger": DANGERS.get(case.danger or "", ""), "waited": clock.waited(alert.started_at),
                "place": self._site.regions.spoken(alert.region),
            }
            for alert, case in ringing
        ]  # fmt: skip
        return {"alerts": alerts, "talks": talks}

    def token(self, bound_to: str) -> str:
        """A form's token, bound to a log-in."""
        return self._forms.dumps(bound_to)

    def check(self, csrf: str, bound_to: str) -> None:
        """Raises an HTTP error when a form's token is not one of ours, is old, or belongs to another log-in."""
        try:
            said = str(self._forms.loads(csrf, max_age=FORM_LIFE_S))
        except BadSignature:
            raise HTTPException(403, "页面过期了，请返回重试。") from None
        if not hmac.compare_digest(said, bound_to):
            raise HTTPException(403, "页面过期了，请返回重试。")

    def check_form(self, request: Request, csrf: str) -> None:
        """The same for the forms behind the log-in."""
        self.check(csrf, request.cookies.get(SESSION_COOKIE, "")[:16])


async def form_of(request: Request) -> FormData:
    """A form's fields, as a dependency: the handler can then be a plain function, which FastAPI runs beside the event loop."""
    return await request.form()


Posted = Annotated[FormData, Depends(form_of)]


class _GoTo(HTTPException):
    def __init__(self, place: str) -> None:
        super().__init__(303, headers={"Location": place})
