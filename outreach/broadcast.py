"""A broadcast from its draft to its end: who, what, check, signatures, start, pause, stop. The sending: ``outreach.sending``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core import clock
from core.accounts import Account
from core.audit import Audit
from core.clock import CHINA
from core.crypto import Vault
from core.database import Database
from core.errors import MingbaiError
from core.outbox import Outbox
from core.regions import Regions
from core.rights import Right, may
from outreach import wording
from outreach.audience import Count, Filter, count, freeze, sample
from outreach.broadcast_tables import BroadcastRow, DeliveryRow, Fate, SignatureRow, WordingRow, is_fate
from outreach.reading import address_key
from outreach.rules import Status, Step, after, yuan
from outreach.tables import ContactRow
from outreach.wording import Wording

STOPPED = "stopped"
RETRIED = 3  # attempts at most
KIND = "broadcast"  # in the audit log


class Refused(MingbaiError):
    """这一步不能做。"""


@dataclass(frozen=True)
class Terms:
    """What the county sets: the office that speaks, the price of a part and a year's budget of a unit (1/1000 yuan), how many
    sign, whether texts may carry links."""

    office: str
    price: int = 45
    budget: int = 20_000_000
    signatures: int = 1
    links: bool = False


@dataclass(frozen=True)
class Checked:
    """What the check found: wrongs that must be put right, else how many texts, parts and yuan, and the first texts."""

    problems: list[str]
    texts: int = 0
    parts: int = 0
    cost: int = 0
    first: list[Wording] = field(default_factory=list)
    without_contact: list[str] = field(default_factory=list)  # villages whose text could not be filled in


class Broadcasts:
    """The broadcasts of one county. Methods that take a session work inside the caller's transaction."""

    def __init__(
        self, database: Database, vault: Vault, outbox: Outbox, regions: Regions, terms: Terms,
        now: Callable[[], datetime] = clock.now, busy: Callable[[Session, str], Iterable[str]] = lambda _session, _region: (),
    ) -> None:  # fmt: skip
        """``busy`` gives the numbers of a place's people with an open case: they get no broadcast meanwhile."""
        self._database, self._outbox, self._regions, self.terms, self._now = database, outbox, regions, terms, now
        self._vault, self._numbers_of_busy = vault, busy
        self._audit = Audit(vault, now)

    # --- who writes -------------------------------------------------------------------------------------------------

    def write(
        self, session: Session, author: Account, title: str, said: str, who: Filter, *, sheet: str = "",
        mandatory: bool = False, start_at: datetime | None = None,
    ) -> BroadcastRow:  # fmt: skip
        """A new draft. Raises Refused for who may not, here or at all."""
        if not may(author, Right.BROADCAST) or not who.region.startswith(author.region):
            raise Refused("只能给自己辖区的人发。")
        if mandatory and not author.named:
            raise Refused("灾害预警只有县里点名的人能发。")
        row = BroadcastRow(
            title=title.strip()[:60] or "没有标题", sheet=sheet, region=author.region, author_id=author.id, status=Status.DRAFT,
            wording=said.strip(), audience=who.dumps(), mandatory=mandatory, start_at=start_at,
            signatures_needed=self.terms.signatures, price=self.terms.price, budget=0, created_at=self._now(),
            updated_at=self._now(),
        )  # fmt: skip
        session.add(row)
        session.flush()
        self._audit.record(session, author.id, "write", KIND, row.id, "mandatory" if mandatory else "")
        return row

    def count(self, session: Session, who: Filter) -> tuple[Count, list[ContactRow]]:
        """How many an audience would be now, with some of them."""
        connection, today = session.connection(), self._now().astimezone(CHINA).date()
        some = sample(connection, who, today)
        return count(connection, who, today, busy=self._busy(session, who)), sample_people(session, some)

    def edit(self, session: Session, broadcast_id: int, editor: Account, **changes: Any) -> BroadcastRow:
        """Change a draft, or take one back from the signers; its freeze and its signatures are gone. Raises NotNow, Refused."""
        row = self._locked(session, broadcast_id)
        if row.author_id != editor.id:
            raise Refused("只有起草人能改。")
        if row.status != Status.DRAFT:
            self._thaw(session, row, Step.EDIT)
        for name, value in changes.items():
            if name not in ("title", "wording", "audience", "start_at", "sheet"):
                raise ValueError(f"«{name}» is nothing to edit")
            setattr(row, name, value)
        row.updated_at = self._now()
        return row

    def check(self, session: Session, broadcast_id: int) -> Checked:
        """Look a draft over; if nothing is wrong, freeze it: audience, texts, cost, digest. Raises NotNow."""
        row = self._locked(session, broadcast_id)
        status = after(Status(row.status), Step.CHECK)
        found = wording.problems(row.wording, self.terms.office, links=self.terms.links)
        if found:
            return Checked(found)
        connection, today = session.connection(), self._now().astimezone(CHINA).date()
        who = Filter.loads(row.audience)
        freeze(connection, row.id, who, today, mandatory=row.mandatory, busy=self._busy(session, who))
        villages = self._villages(session, row.id)
        texts = {region: wording.fill(session, self._regions, row.wording, region) for region in villages}
        missing = [self._regions.spoken(region) for region, text in texts.items() if text is None]
        filled = [text for text in texts.values() if text is not None]
        parts = sum(text.parts * villages[text.region] for text in filled)
        checked = Checked([], sum(villages.values()), parts, parts * row.price, filled[:3], missing)
        found = self._money_and_length(session, row, checked, filled)
        if found:
            session.execute(delete(DeliveryRow).where(DeliveryRow.broadcast_id == row.id))
            return Checked(found, checked.texts, checked.parts, checked.cost, checked.first, missing)
        session.add_all(WordingRow(broadcast_id=row.id, region=text.region, said=text.said, parts=text.parts) for text in filled)
        session.flush()
        row.recipients, row.cost, row.budget, row.status = checked.texts, checked.cost, checked.cost, status
        row.digest, row.updated_at = self._digest(session, row), self._now()
        return checked

    def _money_and_length(self, session: Session, row: BroadcastRow, checked: Checked, texts: list[Wording]) -> list[str]:
        found = []
        if not checked.texts:
            found.append("一个人也发不到：换个条件再看。")
        if checked.without_contact:
            found.append(f"这些村没有联系电话：{'、'.join(checked.without_contact[:10])}。请先登记，或者不用{{电话}}。")
        longest = max((text.parts for text in texts), default=0)
        if longest > wording.MOST_PARTS:
            found.append(f"太长：要拆成{longest}条，最多{wording.MOST_PARTS}条。")
        left = self.terms.budget - self._used(session, row)
        if checked.cost > left and not row.mandatory:
            found.append(f"要花{yuan(checked.cost)}，今年的预算只剩{yuan(max(left, 0))}。")
        return found

    # --- who signs --------------------------------------------------------------------------------------------------

    def sign(self, session: Session, broadcast_id: int, signer: Account, digest: str) -> int:
        """Stand for what was frozen; gives how many signatures are missing still. Raises NotNow, Refused.

        ``digest`` is the one of the page that the signer looked at: of what was changed since, nobody's signature is taken.
        """
        row = self._locked(session, broadcast_id)
        if row.status != Status.CHECKED:
            after(Status(row.status), Step.APPROVE)
        if not may(signer, Right.BROADCAST) or not row.region.startswith(signer.region):
            raise Refused("您不能审这一条。")
        if signer.id == row.author_id:
            raise Refused("起草的人不能自己审，请另一位同事来审。")
        if digest != row.digest or self._digest(session, row) != row.digest:
            raise Refused("内容变了，请重新看过再审。")
        if row.mandatory and not signer.named:
            raise Refused("灾害预警要由县里点名的人审。")
        if session.get(SignatureRow, (row.id, signer.id)) is not None:
            raise Refused("您已经审过了，还要另一位同事审。")
        session.add(SignatureRow(broadcast_id=row.id, account_id=signer.id, digest=row.digest, at=self._now()))
        session.flush()
        signed = session.scalar(
            select(func.count()).where(SignatureRow.broadcast_id == row.id, SignatureRow.digest == row.digest)
        )
        missing = max(0, row.signatures_needed - (signed or 0))
        if not missing:
            row.status = after(Status(row.status), Step.APPROVE)
        row.updated_at = self._now()
        self._audit.record(session, signer.id, "sign", KIND, row.id, row.digest[:16])
        return missing

    # --- who sends --------------------------------------------------------------------------------------------------

    def start(self, session: Session, broadcast_id: int, account: Account) -> None:
        """Let it go: what was signed, word for word. Raises NotNow, Refused."""
        row = self._locked(session, broadcast_id)
        status = after(Status(row.status), Step.START)
        if self._digest(session, row) != row.digest:
            raise Refused("审核以后内容被动过，不能发。")
        self._move(session, row, status, account, "start")

    def pause(self, broadcast_id: int, account: Account | None, reason: str = "") -> None:
        """Send nothing more for now, also of what waits in the outbox. Raises NotNow."""
        self._order(broadcast_id, account, Step.PAUSE, "hold", reason)

    def resume(self, broadcast_id: int, account: Account) -> None:
        """Go on. Raises NotNow."""
        self._order(broadcast_id, account, Step.RESUME, "release")

    def stop(self, broadcast_id: int, account: Account) -> None:
        """End it for good: what was not sent never is. Raises NotNow."""
        self._order(broadcast_id, account, Step.STOP, "drop", STOPPED)

    def retry_failed(self, session: Session, broadcast_id: int, account: Account) -> int:
        """Try those again that failed, and nobody else; gives how many. Raises NotNow."""
        row = self._locked(session, broadcast_id)
        status = after(Status(row.status), Step.RETRY)
        failed = update(DeliveryRow).where(
            DeliveryRow.broadcast_id == row.id, DeliveryRow.fate == Fate.FAILED, DeliveryRow.attempt < RETRIED
        )
        again = session.connection().execute(failed.values(fate=Fate.WAITING, reason="", attempt=DeliveryRow.attempt + 1))
        if again.rowcount:
            row.budget = row.spent + again.rowcount * row.price * self._most_parts(session, row.id)
            self._move(session, row, status, account, "retry")
        return again.rowcount

    def carry_out_orders(self) -> None:
        """Tell the outbox what a crash kept from it."""
        with self._database.read() as session:
            left = list(session.scalars(select(BroadcastRow.id).where(BroadcastRow.outbox_order != "")))
        for broadcast_id in left:
            self._carry_out(broadcast_id)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _order(self, broadcast_id: int, account: Account | None, step: Step, order: str, reason: str = "") -> None:
        with self._database.begin() as session:
            row = self._locked(session, broadcast_id)
            row.outbox_order, row.reason = order, reason
            self._move(session, row, after(Status(row.status), step), account, step.value)
            if step == Step.STOP:
                waits = update(DeliveryRow).where(DeliveryRow.broadcast_id == row.id, is_fate(Fate.WAITING))
                session.execute(waits.values(fate=Fate.CANCELLED, reason=STOPPED))
        self._carry_out(broadcast_id)

    def _carry_out(self, broadcast_id: int) -> None:
        """The outbox has transactions of its own: the order stands in the row until it is done, so a crash loses none."""
        with self._database.read() as session:
            order = session.get_one(BroadcastRow, broadcast_id).outbox_order
        batch = batch_of(broadcast_id)
        if order == "hold":
            self._outbox.hold(batch=batch)
        elif order == "release":
            self._outbox.release(batch=batch)
        elif order == "drop":
            self._outbox.drop(batch, STOPPED)
        done = update(BroadcastRow).where(BroadcastRow.id == broadcast_id, BroadcastRow.outbox_order == order)
        with self._database.statement(writes=True) as connection:
            connection.execute(done.values(outbox_order=""))

    def _move(self, session: Session, row: BroadcastRow, status: Status, account: Account | None, verb: str) -> None:
        row.status, row.updated_at = status, self._now()
        session.flush()
        self._audit.record(session, account.id if account else None, verb, KIND, row.id)

    def _thaw(self, session: Session, row: BroadcastRow, step: Step) -> None:
        row.status, row.digest = after(Status(row.status), step), ""
        for table in (DeliveryRow, WordingRow, SignatureRow):
            session.execute(delete(table).where(table.broadcast_id == row.id))

    def _busy(self, session: Session, who: Filter) -> list[bytes]:
        return [address_key(self._vault, number) for number in self._numbers_of_busy(session, who.region)]

    @staticmethod
    def _locked(session: Session, broadcast_id: int) -> BroadcastRow:
        return session.get_one(BroadcastRow, broadcast_id, with_for_update=True, populate_existing=True)

    @staticmethod
    def _villages(session: Session, broadcast_id: int) -> dict[str, int]:
        """How many texts each village gets."""
        mine = (DeliveryRow.broadcast_id == broadcast_id, is_fate(Fate.WAITING))
        query = select(DeliveryRow.region, func.count()).where(*mine).group_by(DeliveryRow.region).order_by(DeliveryRow.region)
        return {row[0]: row[1] for row in session.execute(query)}

    @staticmethod
    def _most_parts(session: Session, broadcast_id: int) -> int:
        return session.scalar(select(func.max(WordingRow.parts)).where(WordingRow.broadcast_id == broadcast_id)) or 1

    def _used(self, session: Session, row: BroadcastRow) -> int:
        """What this year's broadcasts of the unit have cost or may still cost, without this one."""
        year = self._now().astimezone(CHINA).replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
        bound = (Status.CHECKED, Status.APPROVED, Status.SENDING, Status.PAUSED)
        others = (BroadcastRow.region == row.region, BroadcastRow.id != row.id, BroadcastRow.created_at >= year)
        spent = session.scalar(select(func.sum(BroadcastRow.spent)).where(*others, BroadcastRow.status.not_in(bound)))
        open_ones = session.scalar(select(func.sum(BroadcastRow.budget)).where(*others, BroadcastRow.status.in_(bound)))
        return int(spent or 0) + int(open_ones or 0)

    @staticmethod
    def _digest(session: Session, row: BroadcastRow) -> str:
        """The hash of all that a signer stands for: texts, recipients, money, time."""
        digest = hashlib.sha256()
        start = clock.as_utc(row.start_at).isoformat() if row.start_at else ""
        head = [row.id, row.title, row.wording, row.audience, row.mandatory, start, row.price, row.budget, row.signatures_needed]
        digest.update(json.dumps(head, ensure_ascii=False).encode())
        texts = select(WordingRow.region, WordingRow.said).where(WordingRow.broadcast_id == row.id).order_by(WordingRow.region)
        for region, said in session.execute(texts):
            digest.update(f"\n{region}\t{said}".encode())
        who = select(DeliveryRow.contact_id).where(DeliveryRow.broadcast_id == row.id, is_fate(Fate.WAITING))
        in_order = who.order_by(DeliveryRow.contact_id).execution_options(yield_per=10_000)
        for ids in session.execute(in_order).scalars().partitions():
            digest.update(("\n" + ",".join(map(str, ids))).encode())
        return digest.hexdigest()


def batch_of(broadcast_id: int) -> str:
    """The name of a broadcast in the outbox."""
    return f"broadcast:{broadcast_id}"


def sample_people(session: Session, ids: list[int]) -> list[ContactRow]:
    """The contacts of some ids, in their order."""
    rows = {row.id: row for row in session.scalars(select(ContactRow).where(ContactRow.id.in_(ids)))}
    return [rows[each] for each in ids if each in rows]
