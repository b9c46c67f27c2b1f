"""Who is writing on the web. A ``sender`` is only a claim: outside the demo it lives inside a signed cookie's own space."""

from __future__ import annotations

import secrets

from fastapi import Request, Response
from itsdangerous import BadSignature, URLSafeSerializer

COOKIE = "mingbai_visitor"
YEAR_S = 365 * 24 * 3600


class Senders:
    """Binds senders to browsers.

    In a live county the conversation's key contains the cookie's secret, so naming somebody else's sender opens a new,
    empty conversation. In the demo the claim alone counts, so that outside tools can talk without a cookie.
    """

    def __init__(self, signing_key: str, *, demo: bool, secure: bool) -> None:
        self._signer = URLSafeSerializer(signing_key, salt="visitor")
        self._demo, self._secure = demo, secure

    def visitor(self, request: Request, response: Response) -> str:
        """The visitor's id out of the cookie; a new one is made and set where there is none."""
        try:
            return str(self._signer.loads(request.cookies.get(COOKIE, "")))
        except BadSignature:
            visitor = secrets.token_hex(12)
            response.set_cookie(
                COOKIE, str(self._signer.dumps(visitor)), max_age=YEAR_S, httponly=True, samesite="lax", secure=self._secure
            )
            return visitor

    def key(self, sender: str, visitor: str) -> str:
        """What names the conversation on this channel."""
        return sender if self._demo else f"{visitor}:{sender}"
