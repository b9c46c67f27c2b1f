"""The desk's page on which a grid member ticks who knew of a policy; everybody above sees the rates."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from core.accounts import Account
from core.rights import Right, is_cadre, may
from outreach.awareness import Awareness
from outreach.broadcast import Refused
from outreach.contacts import Contacts
from web.desk_frame import DeskFrame, Posted
from web.site import Site


def awareness_router(site: Site) -> APIRouter:
    """``/desk/awareness``: cadres tick and see rates of their place, outreach officers see rates."""
    router = APIRouter(prefix="/desk/awareness")
    frame, awareness, contacts = DeskFrame(site), Awareness(), Contacts(site.vault)

    def reader(request: Request) -> Account:
        account = frame.account(request)
        if not (is_cadre(account) or may(account, Right.BROADCAST)):
            raise HTTPException(404)
        return account

    @router.get("")
    def page(request: Request, sheet: str = "") -> Response:
        account = reader(request)
        with site.database.read() as session:
            sheets = awareness.sheets(session, account.region)
            chosen = sheet if sheet in sheets else next(iter(sheets), "")
            rates = awareness.rates(session, account.region, chosen)
            asked = awareness.sample(session, account.region, chosen) if is_cadre(account) and chosen else []
            people = [contacts.person(row) for row in asked]
        if people:
            with site.database.begin() as session:
                site.audit.record(session, account.id, "view", "contacts", "sample", ",".join(str(each.id) for each in people))
        return frame.page(
            request, "desk_awareness.html", account, sheets=sheets, chosen=chosen, rates=rates, people=people,
            spoken=site.regions.spoken,
        )  # fmt: skip

    @router.post("")
    def tick(request: Request, form: Posted) -> Response:
        account = frame.cadre(request)
        frame.check_form(request, str(form.get("csrf", "")))
        contact, sheet = str(form.get("contact", "")), str(form.get("sheet", ""))
        if not (contact.isdecimal() and len(contact) < 10 and form.get("knew") in ("yes", "no")):
            raise HTTPException(422)
        try:
            with site.database.begin() as session:
                awareness.tick(session, account, int(contact), sheet, knew=form["knew"] == "yes")
        except Refused:
            raise HTTPException(404) from None
        return RedirectResponse(f"/desk/awareness?sheet={sheet}", 303)

    return router
