"""A village's own page: what the QR code on a printed sheet leads to."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response

from core.county import contacts_for
from web.site import VILLAGE_COOKIE, VILLAGE_LIFE_S, Site


def village_router(site: Site) -> APIRouter:
    """``/v/{code}``, for each village and community of the county."""
    router = APIRouter()

    @router.get("/v/{code}")
    async def village(request: Request, code: str) -> Response:
        place = site.village(code)
        if place is None:
            raise HTTPException(404)
        with site.database.read() as session:
            people = [
                {"role": row.role, "name": row.name, "phone": row.phone, "can_call": row.phone.replace("-", "").isdigit()}
                for row in contacts_for(session, code)
            ]
        page = site.page(request, "village.html", place=place, spoken=site.regions.spoken(code), people=people)
        # the chat may take what is said next as said in this village
        page.set_cookie(
            VILLAGE_COOKIE, code, max_age=VILLAGE_LIFE_S, httponly=True, samesite="lax", secure=site.settings.secure_cookies
        )
        return page

    return router
