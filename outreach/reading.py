"""One row of a list becomes one contact, or a remark that says why not. No database here: a row costs some microseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.crypto import Vault
from core.errors import MingbaiError
from core.regions import Regions
from outreach.categories import bits_of
from outreach.files import FIELDS
from outreach.phones import BadPhone, Landline, mobile
from outreach.tables import Hold

MISSING = 1 << 30  # a column that no row has
LABELS = {"name": "姓名", "phone": "手机号", "village": "村", "categories": "类别"}
COLUMNS = ("line", "person", "address", "household", "region", "categories", "hold", "language", "sealed")
PERSON, ADDRESS = 16, 20  # bytes of the keyed hashes


class BadMapping(MingbaiError):
    """请指定哪一列是姓名、哪一列是村；同一列不能用两次。"""


@dataclass(frozen=True)
class Remark:
    """What is wrong with a row. It is refused, or taken with less than was meant."""

    row: int
    column: str
    text: str
    refused: bool


@dataclass
class Batch:
    """Some rows after reading: their values in the order of COLUMNS, and remarks."""

    values: list[tuple[Any, ...]] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def address_key(vault: Vault, number: str) -> bytes:
    """The key of a number: the first 20 bytes of the key of the conversation that is held from it by SMS."""
    return vault.lookup_bytes(f"sms:{number}", ADDRESS)


def conversation_address(conversation: str) -> bytes | None:
    """The same of a conversation's key; None for keys that are none of a channel's sender."""
    try:
        key = bytes.fromhex(conversation)
    except ValueError:
        return None
    return key if len(key) == ADDRESS else None


class RowReader:
    """Reads the rows of one list. ``mapping``: field -> number of the column, from 0. Raises BadMapping."""

    def __init__(self, vault: Vault, regions: Regions, scope: str, mapping: dict[str, int]) -> None:
        columns = list(mapping.values())
        if "name" not in mapping or "village" not in mapping or len(set(columns)) != len(columns) or min(columns) < 0:
            raise BadMapping
        self._vault, self._regions, self._scope, self._mapping = vault, regions, scope, mapping
        self._columns = [mapping.get(name, MISSING) for name in FIELDS]
        self._codes: dict[tuple[str, str], str | None] = {}

    def read(self, batch: Batch, number: int, row: list[str]) -> None:
        """Add what a row says to a batch. ``number`` is the row's in the file, from 1, as a spreadsheet shows it."""
        if not any(row):
            return
        width = len(row)
        name, phone_said, village, town, household, id_number, categories_said, language = [
            row[at] if at < width else "" for at in self._columns
        ]
        region = self._region(town, village)
        if not name:
            batch.remarks.append(Remark(number, LABELS["name"], "没有填", refused=True))
            return
        if region is None:
            batch.remarks.append(Remark(number, LABELS["village"], "不认识这个村，或者不在您的范围内", refused=True))
            return
        if "\ufffd" in name:
            batch.remarks.append(Remark(number, LABELS["name"], "有乱码，请检查文件的编码", refused=True))
            return
        phone = self._phone(batch, number, phone_said)
        categories, unknown = bits_of(categories_said)
        if unknown:
            batch.remarks.append(Remark(number, LABELS["categories"], "有不认识的类别，没有登记", refused=False))
        who = f"id:{id_number.upper()}" if id_number else f"{name}|{region}|{household or phone}"
        key, sealed = self._vault.lookup_bytes, self._vault.seal(f"{phone}\t{name}")
        batch.values.append(
            (
                number, key(f"person:{who}", PERSON), address_key(self._vault, phone) if phone else None,
                key(f"household:{region}:{household}", PERSON) if household else None, region, categories,
                int(Hold.NONE if phone else Hold.NO_PHONE), language[:20], sealed,
            )
        )  # fmt: skip

    def _phone(self, batch: Batch, number: int, said: str) -> str:
        if not said:
            return ""
        try:
            return mobile(said)
        except Landline:
            batch.remarks.append(Remark(number, LABELS["phone"], "是固定电话，收不到短信，按没有手机登记", refused=False))
        except BadPhone:
            batch.remarks.append(Remark(number, LABELS["phone"], "号码不对，按没有手机登记", refused=False))
        return ""

    def _region(self, town: str, village: str) -> str | None:
        """The code of a village, by its code or by its name with or without the town's."""
        key = (town, village)
        if key not in self._codes:
            self._codes[key] = self._find(town, village)
        return self._codes[key]

    def _find(self, town: str, village: str) -> str | None:
        place = self._regions.get(village)
        if place is None and village and len(self._scope) >= 6:
            found = self._regions.find_villages(town + village, self._scope[:6])
            place = found[0] if len(found) == 1 else None
        known = place is not None and place.level == "village" and place.code.startswith(self._scope)
        return place.code if place is not None and known else None


def unsealed(vault: Vault, sealed: bytes) -> tuple[str, str]:
    """Number and name of a contact; the number is empty where there is none."""
    number, name = vault.unseal(sealed).split("\t", 1)
    return number, name
