"""The sheet (明白纸): its format, and a strict parser that names file, line and reason of what it refuses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from core.errors import MingbaiError
from knowledge_base.criteria import BadCriteria, Criteria, parse_criteria
from knowledge_base.source import Source, parse_sources

ASPECTS = ("eligibility", "benefit", "how", "materials", "where", "time", "exclusion", "exit", "general")
SHORT_LIMIT = 80
_REQUIRED = ("id", "title", "region", "issuer", "document", "effective_from", "reviewed_on", "contacts")
_OPTIONAL = ("effective_to", "criteria")
_HEADING = re.compile(r"## (?P<key>(?P<aspect>[a-z]+)(?:\.[a-z][a-z-]*)?) — (?P<title>\S.*)")
_FIELDS = ("short", "asked as", "source")


class MalformedSheet(MingbaiError):
    """A sheet that may not be published: the message has file, line and reason (Chinese: editors read it)."""

    def __init__(self, file: Path | str, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}")
        self.line, self.reason = line, reason


@dataclass(frozen=True)
class Section:
    """One question and its answer. ``key`` is the aspect, or ``aspect.slug`` for a further section of that aspect."""

    key: str
    aspect: str
    title: str
    short: str
    asked: list[str]
    sources: list[Source]
    body: str

    @property
    def blocks(self) -> list[list[str] | str]:
        """The body as paragraphs (str) and lists (list of items)."""
        blocks: list[list[str] | str] = []
        for line in self.body.splitlines():
            if line.startswith("- "):
                if not (blocks and isinstance(blocks[-1], list)):
                    blocks.append([])
                items = blocks[-1]
                assert isinstance(items, list)
                items.append(line[2:].strip())
            elif line.strip():
                blocks.append(line.strip())
        return blocks


@dataclass(frozen=True)
class Sheet:
    """A one-page policy sheet. ``region`` is a division code, ``45`` for the whole of Guangxi."""

    id: str
    title: str
    region: str
    issuer: str
    document: str
    effective_from: date
    effective_to: date | None
    reviewed_on: date
    contacts: list[str]
    sections: list[Section]
    criteria: Criteria | None = None

    def in_force(self, day: date) -> bool:
        """Whether a sheet may answer on a day. An expired one never does."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)

    def section(self, key: str) -> Section | None:
        return next((section for section in self.sections if section.key == key), None)


def parse_sheet(file: Path) -> Sheet:
    """Read one sheet. Raises MalformedSheet."""
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedSheet(file, 1, f"不是 UTF-8 编码（第{error.start}个字节）") from None
    return parse_text(text, file)


def parse_text(text: str, name: Path | str = "") -> Sheet:
    """A sheet out of its text; ``name`` is what an error calls it. Raises MalformedSheet."""
    return _Parser(name, text).sheet()


def load_sheets(directory: Path) -> list[Sheet]:
    """All sheets under ``<directory>/<region>/<id>.md``, in order of path. Raises MalformedSheet."""
    sheets = []
    for file in sorted(directory.glob("*/*.md")):
        sheet = parse_sheet(file)
        if (sheet.region, sheet.id) != (file.parent.name, file.stem):
            raise MalformedSheet(file, 1, f"文件里写的是 {sheet.region}/{sheet.id}，和文件所在的位置不一样")
        sheets.append(sheet)
    return sheets


class _Parser:
    def __init__(self, file: Path | str, text: str) -> None:
        self.file = file
        self.lines = text.replace("\r\n", "\n").split("\n")

    def fail(self, line: int, reason: str) -> MalformedSheet:
        return MalformedSheet(self.file, line, reason)

    def sheet(self) -> Sheet:
        if self.lines[0].strip() != "---" or "---" not in self.lines[1:]:
            raise self.fail(1, "开头两行「---」之间的说明缺失")
        end = self.lines.index("---", 1)
        front = self.front_matter(end)
        sections = self.sections(end + 1)
        return Sheet(sections=sections, **front)

    def front_matter(self, end: int) -> dict[str, Any]:
        try:
            found = yaml.safe_load("\n".join(self.lines[1:end]))
        except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
            # PyYAML lets the others through: «2024-13-45», «!!int», «!!timestamp x», deep nesting
            raise self.fail(2, f"开头的说明写法不对（YAML）：{error}") from None
        if not isinstance(found, dict):
            raise self.fail(2, "开头的说明是空的")
        for key in found:
            if key not in _REQUIRED + _OPTIONAL:
                raise self.fail(self.line_of(str(key)), f"不认识的项「{key}」")
        for key in _REQUIRED:
            if found.get(key) in (None, "", []):
                raise self.fail(1, f"缺少「{key}」")
        for key in ("effective_from", "effective_to", "reviewed_on"):
            if found.get(key) is not None and type(found[key]) is not date:
                raise self.fail(self.line_of(key), f"「{key}」不是日期（要写成 2026-01-31）")
        if found.get("effective_to") and found["effective_to"] < found["effective_from"]:
            raise self.fail(self.line_of("effective_to"), "effective_to（失效）早于 effective_from（生效）")
        if not re.fullmatch(r"45|45\d{4}", str(found["region"])):
            raise self.fail(self.line_of("region"), "region 要写「45」（全广西）或县的六位代码 45xxxx")
        if not isinstance(found["contacts"], list):
            raise self.fail(self.line_of("contacts"), 'contacts 要写成列表：[village, "12345"]')
        found["contacts"] = [str(contact) for contact in found["contacts"]]
        found["region"] = str(found["region"])
        if found.get("criteria") is not None:
            found["criteria"] = self.criteria(found["criteria"], end)
        return {"effective_to": None, **found}

    def criteria(self, raw: Any, end: int) -> Criteria:
        try:
            return parse_criteria(raw)
        except BadCriteria as error:
            raise self.fail(self.line_in(("criteria", *error.path), end), f"criteria: {error.reason}") from None

    def line_in(self, path: tuple[str | int, ...], end: int) -> int:
        """The line of what stands at a path of the front matter, or of the nearest thing around it."""
        node, line = yaml.compose("\n".join(self.lines[1:end]), Loader=yaml.SafeLoader), 0
        for step in path:
            if isinstance(node, yaml.MappingNode):
                inner = next(((key, value) for key, value in node.value if key.value == str(step)), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                inner = (node.value[step], node.value[step])
            else:
                inner = None
            if inner is None:
                break
            line, node = inner[0].start_mark.line, inner[1]
        return line + 2  # the first line is «---», and the parser counts from 0

    def line_of(self, key: str) -> int:
        return next((n for n, line in enumerate(self.lines, 1) if line.startswith(f"{key}:")), 1)

    def sections(self, start: int) -> list[Section]:
        heads = [n for n in range(start, len(self.lines)) if self.lines[n].startswith("#")]
        for n in range(start, heads[0] if heads else len(self.lines)):
            if self.lines[n].strip():
                raise self.fail(n + 1, "第一节之前不能有文字")
        if not heads:
            raise self.fail(len(self.lines), "至少要有一节")
        sections: list[Section] = []
        for head, following in zip(heads, [*heads[1:], len(self.lines)], strict=True):
            section = self.section(head, following)
            if any(section.key == other.key for other in sections):
                raise self.fail(head + 1, f"「{section.key}」这一节有两个")
            sections.append(section)
        return sections

    def section(self, head: int, end: int) -> Section:
        heading = _HEADING.fullmatch(self.lines[head].rstrip())
        if heading is None:
            raise self.fail(head + 1, "每节的标题要写成「## 方面 — 标题」，正文里不能有 # 开头的行")
        if heading["aspect"] not in ASPECTS:
            raise self.fail(head + 1, f"不认识的方面「{heading['aspect']}」，可用的：{' '.join(ASPECTS)}")
        values = {}
        for offset, name in enumerate(_FIELDS, 1):
            line = self.lines[head + offset] if head + offset < end else ""
            if not line.startswith(f"{name}:") or not line[len(name) + 1 :].strip():
                raise self.fail(head + offset + 1, f"这里应当是「{name}: …」（{heading['key']}）")
            values[name] = line[len(name) + 1 :].strip()
        if len(values["short"]) > SHORT_LIMIT:
            raise self.fail(head + 2, f"short 有{len(values['short'])}个字，最多{SHORT_LIMIT}个字")
        body = "\n".join(self.lines[head + len(_FIELDS) + 1 : end]).strip()
        if not body:
            raise self.fail(head + 1, f"「{heading['key']}」这一节没有正文")
        asked = [variant.strip() for variant in values["asked as"].split("|") if variant.strip()]
        if not asked:
            raise self.fail(head + 3, f"「asked as」里没有问法（{heading['key']}）")
        sources = self.sources(values["source"], head + 4)
        return Section(heading["key"], heading["aspect"], heading["title"], values["short"], asked, sources, body)

    def sources(self, text: str, line: int) -> list[Source]:
        try:
            return parse_sources(text)
        except ValueError as error:
            raise self.fail(line, str(error)) from None
