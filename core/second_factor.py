"""The second factor of a log-in: a code of six digits that changes every half minute (TOTP, RFC 6238)."""

from __future__ import annotations

from datetime import datetime

import pyotp
from sqlalchemy.orm import Session

from core import clock
from core.accounts import Account, DeskSession, count_failure, is_locked
from core.crypto import Vault
from core.errors import MingbaiError

STEP_S = 30
ISSUER = "明白"


class WrongCode(MingbaiError):
    """验证码不对或者过期了，请看手机上的新号码。"""


def offer_secret(vault: Vault, account: Account) -> str:
    """The secret that an account's phone is to learn: a new one until a code has confirmed it. Text of base 32."""
    if account.totp_secret is None:
        account.totp_secret = vault.seal(pyotp.random_base32())
    return vault.unseal(account.totp_secret)


def address_for(secret: str, account: Account) -> str:
    """What the QR code carries for an authenticator app."""
    return pyotp.TOTP(secret).provisioning_uri(name=account.username, issuer_name=ISSUER)


def confirm_code(session: Session, vault: Vault, row: DeskSession, code: str, now: datetime | None = None) -> None:
    """Complete a log-in. Each code counts once. Raises WrongCode; failures count and lock, so commit in both cases."""
    account, now = row.account, now or clock.now()
    session.refresh(account, with_for_update=True)
    if account.totp_secret is None or is_locked(account):
        raise WrongCode
    totp = pyotp.TOTP(vault.unseal(account.totp_secret))
    present = int(now.timestamp()) // STEP_S
    # one step back for a slow hand or a clock that is late; a code that was used is not taken again
    fits = [at for at in (present - 1, present) if at > account.totp_step and totp.verify(code, for_time=at * STEP_S)]
    if not code.isascii() or not fits:
        count_failure(account)
        raise WrongCode
    account.totp_step, account.failures, row.verified = fits[-1], 0, True
