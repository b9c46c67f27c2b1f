"""What a cadre does from outside the desk, by a button on a message: the same deeds with the same rights."""

from __future__ import annotations

from sqlalchemy import select

from cadres.workflow import NotAllowed, Stale
from core.accounts import Account
from core.errors import MingbaiError
from core.rights import is_cadre
from web.desk_cases import carry_out
from web.desk_frame import DeskFrame
from web.site import Site
from web.talks import acknowledge


class NoCadre(MingbaiError):
    """没有这个账号"""


class NotNow(MingbaiError):
    """已经有人办了"""


class Deeds:
    """Deeds by the username of who does them."""

    def __init__(self, site: Site) -> None:
        self._site, self._frame = site, DeskFrame(site)

    def act(self, username: str, deed: str, number: str) -> None:
        """«seen» or «accept». Raises NoCadre, NoSuchCase (also for another's place), NotNow."""
        with self._site.database.read() as session:
            account = session.scalar(select(Account).where(Account.username == username))
        if account is None or not is_cadre(account):
            raise NoCadre
        if deed == "seen":
            with self._site.database.begin() as session:
                acknowledge(self._site, self._frame, session, account, number)
            return
        try:
            carry_out(self._site, self._frame, account, number, "advance", {"seen": "reported"})
        except (Stale, NotAllowed):
            raise NotNow from None
