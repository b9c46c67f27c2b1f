"""How people of the desk are reached on their own phones: alerts at once, and one digest a day, through the outbox."""

from __future__ import annotations

from cadres.alert import Call, Notify
from cadres.digest import digests
from cadres.inbox import Inbox
from channels.sms import CHANNEL as SMS
from channels.sms import digest_text, duty_call, number
from core.accounts import Account
from core.delivery import Priority
from core.outbox import Outbox, Outgoing
from service.assembly import Parts

WECOM = "wecom"  # the outbox channel on which cadres are reached by their usernames


class DeskCalls:
    """WeCom cards and SMS to cadres, SMS to the duty phone. Where no such channel is open, the desk alone shows what is to
    be done."""

    def __init__(self, parts: Parts, outbox: Outbox, serves: set[str]) -> None:
        self._parts, self._outbox, self._serves = parts, outbox, serves
        self._inbox = Inbox(parts.cases)

    def notify(self, on_desk: Notify) -> Notify:
        """A way of delivering calls: the desk shows every alert; the person gets a card in WeCom, and their phone, or the duty
        phone, an SMS."""

        def deliver(call: Call) -> None:
            on_desk(call)
            with self._parts.database.begin() as session:
                account = session.get(Account, call.account_id) if call.account_id else None
                to = self._phone_of(account) if account is not None else number(call.phone)
                text = duty_call(call.number, self._parts.regions.spoken(call.region))
                messages = []
                if WECOM in self._serves and account is not None:
                    card = {"case": call.number, "text": text}
                    messages.append(Outgoing(f"call:{call.id}:wecom", WECOM, account.username, card, Priority.URGENT))
                if SMS in self._serves and to is not None:
                    messages.append(Outgoing(f"call:{call.id}", SMS, to, {"text": text}, Priority.URGENT))
                self._outbox.enqueue(session, messages)

        return deliver

    def digest(self) -> int:
        """Put the day's digests into the outbox; gives how many."""
        if SMS not in self._serves:
            return 0
        with self._parts.database.begin() as session:
            messages = []
            for one in digests(session, self._inbox):
                to = self._phone_of(one.account)
                if to is not None:
                    text = digest_text(one.soon, one.overdue, one.unclaimed, one.called)
                    messages.append(Outgoing(one.key, SMS, to, {"text": text}))
            return self._outbox.enqueue(session, messages)

    def _phone_of(self, account: Account) -> str | None:
        return number(self._parts.vault.unseal(account.phone)) if account.phone else None
