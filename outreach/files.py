"""Lists as they come: CSV in UTF-8 or GB18030, or an Excel workbook, read row by row."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from core.errors import MingbaiError

_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
LOOKED_AT = 1 << 20  # bytes that the encoding is judged by
FIELDS = {
    "name": ("姓名", "户主姓名", "名字", "户主"),
    "phone": ("手机号", "手机", "电话", "联系电话", "手机号码", "联系方式"),
    "village": ("村", "行政村", "村名", "村委会", "所在村", "村（社区）", "村编码", "行政区划代码"),
    "town": ("乡镇", "镇", "所在乡镇", "乡（镇）", "乡镇名"),
    "household": ("户编号", "户号", "家庭编号", "户口簿号", "户码"),
    "id_number": ("身份证", "身份证号", "身份证号码", "证件号码", "证件号"),
    "categories": ("类别", "户类型", "人群类别", "家庭类型", "属性", "户类别"),
    "language": ("语言", "方言", "语言备注", "说什么话"),
}
REQUIRED = ("name", "village")


class UnreadableFile(MingbaiError):
    """这个文件读不了：请另存为 Excel（.xlsx）或 CSV 再传。"""


def rows_of(file: Path) -> Iterator[list[str]]:
    """The rows of a list, header included, as stripped texts; empty rows too, so that numbers fit. Raises UnreadableFile."""
    if zipfile.is_zipfile(file):
        yield from _excel_rows(file)
    else:
        yield from _csv_rows(file)


def guess_mapping(header: list[str]) -> dict[str, int]:
    """Which column holds which field, by the usual headings."""
    plain = [cell.replace(" ", "").replace("*", "") for cell in header]
    found: dict[str, int] = {}
    for name, headings in FIELDS.items():
        for heading in headings:
            if heading in plain and plain.index(heading) not in found.values():
                found[name] = plain.index(heading)
                break
    return found


def count_rows(file: Path) -> int:
    """About how many rows a list has, for the progress; 0 where that would take long to know."""
    if zipfile.is_zipfile(file):
        return 0
    with file.open("rb") as source:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: source.read(LOOKED_AT), b""))


def _csv_rows(file: Path) -> Iterator[list[str]]:
    encoding, head = _encoding(file)
    if _NO_TEXT.search(head):
        raise UnreadableFile
    first = head.splitlines()[0] if head else ""
    delimiter = max("\t;,", key=first.count)
    with file.open(encoding=encoding, errors="replace", newline="") as source:
        try:
            for row in csv.reader(source, delimiter=delimiter):
                yield [cell.strip() for cell in row]
        except csv.Error as error:
            raise UnreadableFile from error


def _encoding(file: Path) -> tuple[str, str]:
    with file.open("rb") as source:
        start = source.read(LOOKED_AT)
    for encoding in ("utf-8-sig", "gb18030"):
        for cut in range(4):  # the last character may be cut in half
            try:
                return encoding, start[: len(start) - cut].decode(encoding)
            except UnicodeDecodeError as error:
                if error.start < len(start) - 8:
                    break
    raise UnreadableFile


def _excel_rows(file: Path) -> Iterator[list[str]]:
    with file.open("rb") as source:  # a name without «.xlsx» would be refused
        try:
            book = load_workbook(source, read_only=True, data_only=True)
        except (InvalidFileException, KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
            raise UnreadableFile from error
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # some programs write a size that is not true
            for row in sheet.iter_rows(values_only=True):
                yield [_cell(value) for value in row]
        finally:
            book.close()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a phone number that Excel took for a number
    return str(value).strip()


def header_and_sample(file: Path, size: int = 10) -> tuple[list[str], list[list[str]]]:
    """The headings and the first rows of a list. Raises UnreadableFile, also for an empty one."""
    rows = list(islice(rows_of(file), size + 1))
    if not rows or not any(rows[0]):
        raise UnreadableFile
    return rows[0], rows[1:]
