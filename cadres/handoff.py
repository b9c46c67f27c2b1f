"""A conversation in a person's hands: asked for, taken, given back.

    waiting ── a cadre takes it ──► held ── given back, or the cadre stays silent ──► over
       │ nobody in time: the next level is asked        the villager calls the bot ──►
       └ nobody at the top ──► over

A voice message that nobody understood is never dropped by time: until a cadre has answered, it goes back to waiting.

While it is held the bot says nothing. The words are the journal's own: a handoff only marks from where on the cadre
reads them, never what the villager asked before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cadres.ladder import Word, asked, ladder, next_above
from core import clock
from core.accounts import Account
from core.database import Base
from core.errors import MingbaiError
from core.rights import within


class NoSuchHandoff(MingbaiError):
    """没有这个对话，或者不在您的辖区。"""


class NotYours(MingbaiError):
    """这个对话已经由别的干部接了，或者已经结束。"""


class Handoff(Base):
    """``open_key`` is the conversation while it is not over: there is never a second one beside it.

    ``asked_from``, ``voice_from`` and ``taken_from`` are ids of the journal: where the villager asked for a person, sent
    a voice message that nobody understood, and where a cadre took the conversation.
    """

    __tablename__ = "handoffs"
    id: Mapped[int] = mapped_column(primary_key=True)
    conversation: Mapped[str] = mapped_column(String(64), index=True)
    open_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    region: Mapped[str] = mapped_column(String(12))
    reach: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(10), index=True)  # waiting | held | over
    asked_from: Mapped[str | None] = mapped_column(String(32), default=None)
    voice_from: Mapped[str | None] = mapped_column(String(32), default=None)
    taken_from: Mapped[str | None] = mapped_column(String(32), default=None)
    taken_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), default=None)
    spoke: Mapped[bool] = mapped_column(default=False)  # a cadre has written something since the last voice message
    waits: Mapped[bool] = mapped_column(default=True)  # the last word is the villager's
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    outcome: Mapped[str | None] = mapped_column(String(10), default=None)  # cadre | villager | nobody | silent | idle

    @property
    def unheard(self) -> bool:
        """Whether there is a voice message that nobody has answered: it must not be dropped."""
        return self.voice_from is not None and not self.spoke

    def shows(self, line_id: str, *, voice: bool) -> bool:
        """Whether a cadre who has taken it may read a line of the journal.

        Who asked for a person was told that all from there on is read. Who only sent a voice message was not: until
        somebody takes it, only the voice messages are shown.
        """
        marks = [self.asked_from, self.taken_from, self.voice_from if voice else None]
        return any(line_id >= mark for mark in marks if mark is not None)


class Handoffs:
    """Every method works inside the caller's transaction."""

    def __init__(
        self,
        *,
        climb: timedelta = timedelta(minutes=5),
        silent: timedelta = timedelta(minutes=10),
        idle: timedelta = timedelta(minutes=30),
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._climb, self._silent, self._idle, self._now = climb, silent, idle, now

    # --- the villager's side -----------------------------------------------------------------------------------

    def of_conversation(self, session: Session, conversation: str) -> Handoff | None:
        """The handoff that is not over, locked where the database can lock."""
        return session.scalars(select(Handoff).where(Handoff.open_key == conversation).with_for_update()).first()

    def request(
        self, session: Session, conversation: str, region: str, message_id: str, *, voice: bool = False
    ) -> Handoff | None:
        """Ask for a person; one that is open already goes on. None where the county has nobody who could come.

        ``voice``: the message is a recording that nobody understood. Such a request never runs out.
        """
        handoff = self.of_conversation(session, conversation)
        if handoff is None:
            levels = ladder(session, region)
            if not levels:
                return None
            handoff = self._open(session, conversation, region, reach=levels[0])
        if voice:
            handoff.voice_from, handoff.spoke = handoff.voice_from or message_id, False
        else:
            handoff.asked_from = handoff.asked_from or message_id
        return handoff

    def heard(self, handoff: Handoff) -> None:
        """The villager wrote to the cadre who holds it."""
        if not handoff.waits:
            handoff.waits, handoff.due_at = True, self._now() + self._silent

    def leave(self, handoff: Handoff) -> None:
        """The villager wants the bot back. A voice message still goes to somebody."""
        if handoff.unheard:
            self._waits_again(handoff)
        else:
            self._over(handoff, "villager")

    # --- the cadre's side --------------------------------------------------------------------------------------

    def listed(self, session: Session, account: Account) -> list[Handoff]:
        """What waits or is held in an account's jurisdiction: own ones first, then the longest waiting."""
        rows = session.scalars(
            select(Handoff).where(Handoff.open_key.is_not(None), within(account, Handoff.region)).order_by(Handoff.id)
        )
        return sorted(rows, key=lambda row: (row.taken_by != account.id, row.state != "waiting"))

    def waiting(self, session: Session, account: Account) -> int:
        """How many wait that have come up to an account's level, and of the own talks, how many for an answer."""
        come = select(func.count()).where(Handoff.state == "waiting", asked(account, Handoff.region, Handoff.reach))
        own = select(func.count()).where(Handoff.state == "held", Handoff.taken_by == account.id, Handoff.waits)
        return (session.scalar(come) or 0) + (session.scalar(own) or 0)

    def held_by(self, session: Session, account: Account, handoff_id: int) -> Handoff:
        """One that the account holds or held. Raises NoSuchHandoff, NotYours."""
        handoff = self._visible(session, account, handoff_id)
        if handoff.taken_by != account.id:
            raise NotYours
        return handoff

    def take(self, session: Session, account: Account, handoff_id: int, taken_from: str) -> tuple[Handoff, Word | None]:
        """A cadre takes what waits; the villager is told who speaks now. Raises NoSuchHandoff, NotYours."""
        handoff = self._visible(session, account, handoff_id)
        if handoff.state == "held" and handoff.taken_by == account.id:
            return handoff, None  # pressed twice
        if handoff.state != "waiting":
            raise NotYours
        return handoff, self._hold(handoff, account, taken_from)

    def begin(
        self, session: Session, account: Account, conversation: str, region: str, now_id: str
    ) -> tuple[Handoff, Word | None]:
        """A cadre takes a conversation over by themselves, from a case. Raises NotYours when another holds it."""
        standing = self.of_conversation(session, conversation)
        if standing is not None and standing.state == "held":
            if standing.taken_by != account.id:
                raise NotYours
            return standing, None
        handoff = standing or self._open(session, conversation, region, reach=account.region)
        return handoff, self._hold(handoff, account, now_id)

    def said(self, session: Session, account: Account, handoff_id: int) -> Handoff:
        """The cadre writes to the villager. Raises NoSuchHandoff, NotYours."""
        handoff = self._holding(session, account, handoff_id)
        handoff.spoke, handoff.waits, handoff.due_at = True, False, self._now() + self._idle
        return handoff

    def give_back(self, session: Session, account: Account, handoff_id: int) -> Word:
        """The cadre gives the conversation back to the bot. Raises NoSuchHandoff, NotYours."""
        handoff = self._holding(session, account, handoff_id)
        self._over(handoff, "cadre")
        return self._word(handoff, "handoff_back", account)

    # --- time --------------------------------------------------------------------------------------------------

    def sweep(self, session: Session) -> list[Word]:
        """Move on what is due; gives what the villagers are to be told."""
        due = select(Handoff).where(Handoff.open_key.is_not(None), Handoff.due_at <= self._now()).order_by(Handoff.id)
        words = []
        for handoff in session.scalars(due.with_for_update()).all():
            word = self._next_level(session, handoff) if handoff.state == "waiting" else self._went_silent(session, handoff)
            words += [word] if word is not None else []
        return words

    def _next_level(self, session: Session, handoff: Handoff) -> Word | None:
        above = next_above(session, handoff.region, handoff.reach)
        if above is not None:
            handoff.reach, handoff.due_at = above, self._now() + self._climb
            return None
        if handoff.unheard:
            handoff.due_at = None
            return self._word(handoff, "voice_nobody", None)
        self._over(handoff, "nobody")
        return self._word(handoff, "handoff_nobody", None)

    def _went_silent(self, session: Session, handoff: Handoff) -> Word:
        holder = session.get(Account, handoff.taken_by) if handoff.taken_by else None
        if handoff.unheard:
            handoff.reach = next_above(session, handoff.region, handoff.reach) or handoff.reach
            self._waits_again(handoff)
            return self._word(handoff, "handoff_silent", holder)
        waits = handoff.waits
        self._over(handoff, "silent" if waits else "idle")
        return self._word(handoff, "handoff_silent" if waits else "handoff_idle", holder)

    # --- shared ------------------------------------------------------------------------------------------------

    def _open(self, session: Session, conversation: str, region: str, *, reach: str) -> Handoff:
        now = self._now()
        handoff = Handoff(
            conversation=conversation, open_key=conversation, region=region, reach=reach, state="waiting", waits=True,
            spoke=False, asked_at=now, due_at=now + self._climb,
        )  # fmt: skip
        session.add(handoff)
        session.flush()
        return handoff

    def _hold(self, handoff: Handoff, account: Account, taken_from: str) -> Word:
        handoff.state, handoff.taken_by, handoff.taken_from = "held", account.id, taken_from
        handoff.due_at = self._now() + self._silent
        handoff.waits = handoff.asked_from is not None or handoff.voice_from is not None
        return self._word(handoff, "handoff_taken", account)

    def _waits_again(self, handoff: Handoff) -> None:
        """Back into the row, for the voice messages in it; what was typed so far is no longer shown to whoever comes."""
        handoff.state, handoff.taken_by, handoff.asked_from, handoff.taken_from = "waiting", None, None, None
        handoff.due_at = self._now() + self._climb

    def _over(self, handoff: Handoff, outcome: str) -> None:
        handoff.state, handoff.open_key, handoff.due_at = "over", None, None
        handoff.ended_at, handoff.outcome = self._now(), outcome

    def _holding(self, session: Session, account: Account, handoff_id: int) -> Handoff:
        handoff = self.held_by(session, account, handoff_id)
        if handoff.state != "held":
            raise NotYours
        return handoff

    @staticmethod
    def _visible(session: Session, account: Account, handoff_id: int) -> Handoff:
        row = session.scalars(
            select(Handoff).where(Handoff.id == handoff_id, within(account, Handoff.region)).with_for_update()
        ).first()
        if row is None:
            raise NoSuchHandoff
        return row

    @staticmethod
    def _word(handoff: Handoff, name: str, account: Account | None) -> Word:
        values = {"cadre": account.name, "office": account.region} if account is not None else {}
        return Word(handoff.conversation, name, handoff.region, values)
