"""Editions of sheets: what is published, what is being written, and who did what. History is only added to.

draft → submitted → published; a submitted one may be given back, and what is not published may be discarded. Nobody
publishes what they wrote themselves. Of one sheet the published edition with the highest number is in print; one
without text takes the sheet out of print.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, ForeignKey, Select, String, Text, UniqueConstraint, event, func, inspect, or_, select
from sqlalchemy.orm import Mapped, Mapper, Session, mapped_column

from core import clock
from core.accounts import Account
from core.database import Base
from core.errors import MingbaiError
from knowledge_base.checks import blocking
from knowledge_base.sheet import Sheet, parse_text
from knowledge_base.view import WHOLE_REGION

STATES = {"draft": "草稿", "submitted": "待核对", "published": "已发布", "discarded": "已作废", "offered": "新底稿"}
ORIGINS = {
    "seed": "随软件来的", "editor": "编辑写的", "import": "导入的", "rollback": "退回旧版", "question": "从没答上的问题来",
    "withdrawal": "下架",
}  # fmt: skip
TEXT_LIMIT = 200_000
REMARK_LIMIT = 400
_NAMED = re.compile(r"^(?P<name>id|region):[ \t]*[\"']?(?P<value>[A-Za-z0-9_-]{1,40})[\"']?[ \t]*$", re.MULTILINE)
_WRITING = ("written", "edited")


class NoSuchEdition(MingbaiError):
    """没有这一版。"""


class WrongState(MingbaiError):
    """这一版现在不能这样做，可能别人刚动过。请刷新页面看看。"""


class OwnWork(MingbaiError):
    """自己写的，要请另一位编辑核对、发布。"""


class Outdated(MingbaiError):
    """写的时候，这张纸已经出了新的一版。请先对照新版，再交。"""


class ChangedMeanwhile(MingbaiError):
    """别人刚改过这份草稿，您的改动还没有存。请把它和现在的对照一下，再存一次。"""


class NotReady(MingbaiError):
    """还有必须改的地方，改好才能交。"""


class LastSheet(MingbaiError):
    """只剩这一张纸了，不能下架。"""


class Edition(Base):
    """One text of a sheet. ``number`` counts the published ones of a sheet; ``base_id`` is what a draft started from."""

    __tablename__ = "sheet_editions"
    __table_args__ = (UniqueConstraint("region", "sheet", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(6))
    sheet: Mapped[str] = mapped_column(String(40))
    number: Mapped[int | None] = mapped_column(default=None)
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), index=True)
    origin: Mapped[str] = mapped_column(String(10))
    base_id: Mapped[int | None] = mapped_column(ForeignKey("sheet_editions.id"), default=None)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), default=None)  # None: came with the software
    changed_at: Mapped[datetime]
    published_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), default=None)
    published_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def withdraws(self) -> bool:
        """Whether it takes the sheet out of print."""
        return not self.text

    @property
    def version(self) -> str:
        """Changes whenever the text does: a form carries it, so that two editors never overwrite each other unseen."""
        return self.changed_at.isoformat()


class EditionStep(Base):
    """Who did what to an edition, when. Rows are only added."""

    __tablename__ = "edition_steps"
    id: Mapped[int] = mapped_column(primary_key=True)
    edition_id: Mapped[int] = mapped_column(ForeignKey("sheet_editions.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), default=None)
    action: Mapped[str] = mapped_column(String(12))
    remark: Mapped[str] = mapped_column(String(REMARK_LIMIT), default="")
    at: Mapped[datetime]


@event.listens_for(Edition, "before_update")
def _history_stays(_mapper: Mapper[Edition], _connection: Connection, edition: Edition) -> None:
    """A published edition is never written to again, whatever the code above asks for."""
    before = inspect(edition).attrs.state.history.deleted or [edition.state]
    if before[0] == "published":
        raise WrongState


# --- reading -------------------------------------------------------------------------------------------------------


def may_edit(account: Account, region: str) -> bool:
    """Whether an editor may work on a region's sheets: their own place's and those of all Guangxi."""
    return account.is_editor and (region in ("", WHOLE_REGION) or region.startswith(account.region))


def in_print(session: Session) -> list[Edition]:
    """The published editions that count, in order of region and sheet."""
    newest = (
        select(Edition.region, Edition.sheet, func.max(Edition.number).label("number"))
        .where(Edition.state == "published")
        .group_by(Edition.region, Edition.sheet)
        .subquery()
    )
    same = (Edition.region == newest.c.region) & (Edition.sheet == newest.c.sheet) & (Edition.number == newest.c.number)
    rows = session.scalars(select(Edition).join(newest, same).order_by(Edition.region, Edition.sheet))
    return [edition for edition in rows if not edition.withdraws]


def sheets_in_print(session: Session, instead: Edition | None = None) -> list[Sheet]:
    """The sheets as published, in a fixed order; with ``instead`` as they would be once that edition is published."""
    texts = {(edition.region, edition.sheet): edition.text for edition in in_print(session)}
    if instead is not None:
        texts[instead.region, instead.sheet] = instead.text
    return [_parsed(texts[name], "/".join(name)) for name in sorted(texts) if texts[name]]


@lru_cache(1000)
def _parsed(text: str, name: str) -> Sheet:
    """A published text never changes, and reading the front matter of all of them takes a quarter of a second."""
    return parse_text(text, name)


def newest_published(session: Session, region: str, sheet: str) -> Edition | None:
    """The edition of a sheet that was published last, be it one that takes it out of print."""
    mine = select(Edition).where(Edition.region == region, Edition.sheet == sheet, Edition.state == "published")
    return session.scalars(mine.order_by(Edition.number.desc()).limit(1)).first()


def history(session: Session, account: Account, region: str, sheet: str) -> list[Edition]:
    """All editions of a sheet but the discarded ones, newest first."""
    rows = _visible(account).where(Edition.region == region, Edition.sheet == sheet, Edition.state != "discarded")
    return list(session.scalars(rows.order_by(Edition.number.is_(None).desc(), Edition.number.desc(), Edition.id.desc())))


def unpublished(session: Session, account: Account) -> list[Edition]:
    """Drafts, submitted and offered editions, newest change first."""
    rows = _visible(account).where(Edition.state.in_(("draft", "submitted", "offered")))
    return list(session.scalars(rows.order_by(Edition.changed_at.desc(), Edition.id.desc())))


def edition_of(session: Session, account: Account, edition_id: int, *, lock: bool = False) -> Edition:
    """One edition that an editor may see. Raises NoSuchEdition."""
    rows = _visible(account).where(Edition.id == edition_id)
    found = session.scalars(rows.with_for_update() if lock else rows).first()
    if found is None:
        raise NoSuchEdition
    return found


def steps(session: Session, edition: Edition) -> list[EditionStep]:
    return list(session.scalars(select(EditionStep).where(EditionStep.edition_id == edition.id).order_by(EditionStep.id)))


def writers(session: Session, edition: Edition) -> set[int]:
    """The accounts whose words an edition holds."""
    return {step.account_id for step in steps(session, edition) if step.action in _WRITING and step.account_id is not None}


def is_outdated(session: Session, edition: Edition) -> bool:
    """Whether another edition of the sheet was published since this one was begun."""
    newest = newest_published(session, edition.region, edition.sheet)
    return (newest.id if newest else None) != edition.base_id


# --- writing -------------------------------------------------------------------------------------------------------


def begin(session: Session, account: Account, text: str, origin: str = "editor") -> Edition:
    """A new draft. What it is based on is what is in print under the name that its front matter gives."""
    edition = Edition(text="", state="draft", origin=origin, author_id=account.id, region="", sheet="", changed_at=clock.now())
    _write(edition, text)
    newest = newest_published(session, edition.region, edition.sheet)
    edition.base_id = newest.id if newest else None
    session.add(edition)
    session.flush()
    _note(session, edition, account, "written")
    return edition


def save(session: Session, edition: Edition, account: Account, text: str, version: str, *, compared: bool = False) -> None:
    """Change a draft's text. ``compared``: the author has taken in what was published meanwhile.

    Raises WrongState, ChangedMeanwhile.
    """
    _needs(edition, "draft")
    if version != edition.version:
        raise ChangedMeanwhile
    named = (edition.region, edition.sheet)
    _write(edition, text)
    if compared or named != (edition.region, edition.sheet):
        newest = newest_published(session, edition.region, edition.sheet)
        edition.base_id = newest.id if newest else None
    _note(session, edition, account, "edited")


def submit(session: Session, edition: Edition, account: Account) -> None:
    """Hand a draft to another editor. Raises WrongState, NotReady, Outdated."""
    _needs(edition, "draft")
    if not may_edit(account, edition.region) or blocking(edition.text):
        raise NotReady
    if is_outdated(session, edition):
        raise Outdated
    edition.state = "submitted"
    _note(session, edition, account, "submitted")


def give_back(session: Session, edition: Edition, account: Account, remark: str) -> None:
    """Return a submitted edition to its author, with what is to be changed. Raises WrongState."""
    _needs(edition, "submitted")
    if edition.withdraws:
        raise WrongState  # there is nothing to write on: it is published or discarded
    edition.state = "draft"
    _note(session, edition, account, "returned", remark)


def discard(session: Session, edition: Edition, account: Account) -> None:
    """Put away what will not be published; it is kept. Raises WrongState."""
    _needs(edition, "draft", "submitted", "offered")
    edition.state = "discarded"
    _note(session, edition, account, "discarded")


def take_offer(session: Session, edition: Edition, account: Account) -> Edition:
    """A draft out of a new seed. Raises WrongState."""
    _needs(edition, "offered")
    discard(session, edition, account)
    return begin(session, account, edition.text, "seed")


def roll_back(session: Session, old: Edition, account: Account) -> Edition:
    """Propose an old published edition anew: a further edition, which another editor publishes. Raises WrongState."""
    _needs(old, "published")
    newest = newest_published(session, old.region, old.sheet)
    assert newest is not None
    if newest.id == old.id or old.withdraws:
        raise WrongState
    return _propose(session, newest, account, old.text, "rollback", f"第{old.number}版")


def withdraw(session: Session, edition: Edition, account: Account, remark: str) -> Edition:
    """Propose to take a sheet out of print; another editor publishes that. Raises WrongState, LastSheet."""
    newest = newest_published(session, edition.region, edition.sheet)
    if newest is None or newest.id != edition.id or newest.withdraws:
        raise WrongState
    _keep_one(session, newest)
    return _propose(session, newest, account, "", "withdrawal", remark)


def publish(session: Session, edition: Edition, account: Account) -> None:
    """Print a submitted edition. Raises WrongState, OwnWork, NotReady, Outdated, LastSheet."""
    _needs(edition, "submitted")
    if account.id in writers(session, edition):
        raise OwnWork
    if not edition.withdraws and blocking(edition.text):
        raise NotReady
    newest = newest_published(session, edition.region, edition.sheet)
    if (newest.id if newest else None) != edition.base_id:
        raise Outdated
    if edition.withdraws and newest is not None:
        _keep_one(session, newest)
    _print(edition, newest)
    edition.published_by = account.id
    _note(session, edition, account, "published")


def print_seed(session: Session, region: str, sheet: str, text: str) -> Edition:
    """Publish what came with the software; the seed's import decides when."""
    newest = newest_published(session, region, sheet)
    edition = _of_software(region, sheet, text, newest)
    _print(edition, newest)
    session.add(edition)
    session.flush()
    _note(session, edition, None, "published")
    return edition


def offer_seed(session: Session, region: str, sheet: str, text: str) -> Edition:
    """Keep a changed seed beside a sheet that an editor has changed too; older offers are put away."""
    mine = select(Edition).where(Edition.region == region, Edition.sheet == sheet, Edition.state == "offered")
    for older in session.scalars(mine):
        older.state = "discarded"
        _note(session, older, None, "discarded")
    edition = _of_software(region, sheet, text, newest_published(session, region, sheet))
    session.add(edition)
    session.flush()
    _note(session, edition, None, "written")
    return edition


def newest_seed(session: Session, region: str, sheet: str) -> Edition | None:
    """The last text of a sheet that came with the software, published or not."""
    mine = select(Edition).where(
        Edition.region == region, Edition.sheet == sheet, Edition.origin == "seed", Edition.author_id.is_(None)
    )
    return session.scalars(mine.order_by(Edition.id.desc()).limit(1)).first()


def _visible(account: Account) -> Select[Edition]:
    mine = or_(Edition.region.in_(("", WHOLE_REGION)), Edition.region.startswith(account.region, autoescape=True))
    return select(Edition).where(mine if account.is_editor else Edition.id < 0)


def _needs(edition: Edition, *states: str) -> None:
    if edition.state not in states:
        raise WrongState


def _write(edition: Edition, text: str) -> None:
    """Set the text, and the name that its front matter gives it (none while that is unreadable)."""
    edition.text = text.replace("\r\n", "\n").replace("\x00", "").strip()[:TEXT_LIMIT] + "\n"
    named = {match["name"]: match["value"] for match in _NAMED.finditer(edition.text.partition("\n---")[0])}
    edition.region, edition.sheet = named.get("region", "")[:6], named.get("id", "")
    edition.changed_at = clock.now()


def _of_software(region: str, sheet: str, text: str, base: Edition | None) -> Edition:
    return Edition(
        region=region, sheet=sheet, text=text, state="offered", origin="seed", base_id=base.id if base else None,
        changed_at=clock.now(),
    )  # fmt: skip


def _propose(session: Session, newest: Edition, account: Account, text: str, origin: str, remark: str) -> Edition:
    edition = Edition(
        region=newest.region, sheet=newest.sheet, text=text, state="submitted", origin=origin, base_id=newest.id,
        author_id=account.id, changed_at=clock.now(),
    )  # fmt: skip
    session.add(edition)
    session.flush()
    _note(session, edition, account, "written")
    _note(session, edition, account, "submitted", remark)
    return edition


def _print(edition: Edition, newest: Edition | None) -> None:
    edition.state, edition.published_at = "published", clock.now()
    edition.number = (newest.number or 0) + 1 if newest else 1


def _keep_one(session: Session, leaving: Edition) -> None:
    if all(edition.id == leaving.id for edition in in_print(session)):
        raise LastSheet


def _note(session: Session, edition: Edition, account: Account | None, action: str, remark: str = "") -> None:
    session.add(
        EditionStep(
            edition_id=edition.id, account_id=account.id if account else None, action=action, remark=remark[:REMARK_LIMIT],
            at=clock.now(),
        )
    )  # fmt: skip
