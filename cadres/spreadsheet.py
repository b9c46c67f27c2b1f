"""Lists that offices keep in Excel: the first row names the columns, the rest are lines; codes may have become numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO
from zipfile import BadZipFile

import phonenumbers
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from core.errors import MingbaiError


class BadList(MingbaiError):
    """名单有错，一行也没有导入。"""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def lines_of(file: Path | IO[bytes], columns: Mapping[str, str], needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Row number and cells, by the names of ``columns`` (title → name), of each row that is not empty. Raises BadList."""
    try:
        book = load_workbook(file, read_only=True, data_only=True)
    except (OSError, BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise BadList(["打不开，要 .xlsx 格式的 Excel 文件"]) from error
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        titles = [_text(cell) for cell in next(rows, ())]
        if missing := [title for title in needed if title not in titles]:
            raise BadList([f"第1行没有这几列：{'、'.join(missing)}"])
        for number, row in enumerate(rows, 2):
            cells = {columns[title]: _text(cell) for title, cell in zip(titles, row, strict=False) if title in columns}
            if any(cells.values()):
                yield number, cells
    finally:
        book.close()


def phone_of(typed: str) -> str | None:
    """A phone number in E.164, empty for none, None for what is no number."""
    if not typed:
        return ""
    try:
        number = phonenumbers.parse(typed, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _text(cell: object) -> str:
    """A cell as text: Excel keeps long codes as numbers."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).replace("\x00", "").strip()
