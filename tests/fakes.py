"""Stand-ins for what is slow or far away: an encoder that counts characters, tiny sheets, an understanding on rails."""

from __future__ import annotations

import zlib
from datetime import date
from pathlib import Path

import numpy as np

from knowledge_base.sheet import Sheet, parse_sheet
from knowledge_base.text import normalise

COUNTY = "450481"
TOWN = "450481100"  # 岑城镇
VILLAGE = "450481100201"  # 探花村
OTHER_VILLAGE = "450481102201"  # 善村, in 马路镇
DAY = date(2026, 6, 1)
OUT_OF_SCOPE = ["明天落雨没", "帮我写首诗", "股票点样买", "足球哪个赢", "电影好看吗", "唱支歌来听"]


class FakeEncoder:
    """Unit vectors out of the characters and pairs of characters of a text: the same text, the same vector, always."""

    dimension = 48

    def __init__(self) -> None:
        self.seen: list[str] = []

    def question(self, text: str) -> np.ndarray:
        """The vector of a question."""
        self.seen.append(text)
        counts = np.zeros(self.dimension, np.float32)
        for piece in [*text, *(text[at : at + 2] for at in range(len(text) - 1))]:
            counts[zlib.crc32(piece.encode()) % self.dimension] += 1
        length = float(np.linalg.norm(counts))
        return counts / length if length else counts

    passage = question

    def questions(self, texts: list[str]) -> np.ndarray:
        """The vectors of some questions, one a row."""
        return np.stack([self.question(text) for text in texts]) if texts else np.zeros((0, self.dimension), np.float32)


class FakeIntents:
    """An understanding that is told what to say: by the text, else ``intent`` and ``sure``."""

    def __init__(self, intent: str = "ask_policy", sure: float = 0.9, *, urgency: float = 0.0, urgent_text: str = "") -> None:
        self.answer = (intent, sure)
        self.by_text: dict[str, tuple[str, float]] = {}
        self.urgent_from = 0.5
        self.asked: list[str] = []
        self._urgency, self._urgent_text = urgency, urgent_text

    def intent(self, text: str, vector: np.ndarray, *, has_topic: bool = False) -> tuple[str, float]:
        """The intent and its probability."""
        return self.by_text.get(text, self.answer)

    def urgency(self, text: str, vector: np.ndarray) -> float:
        """How likely a text is urgent: ``urgency``, or certain where it has ``urgent_text``."""
        self.asked.append(text)
        return 1.0 if self._urgent_text and self._urgent_text in text else self._urgency


def sheet_text(
    name: str = "dibao",
    title: str = "农村低保",
    *,
    region: str = "45",
    effective_from: str = "2024-01-01",
    effective_to: str | None = None,
    sections: str | None = None,
) -> str:
    """A sheet that the parser takes."""
    until = f"effective_to: {effective_to}\n" if effective_to else ""
    front = (
        f'---\nid: {name}\ntitle: {title}\nregion: "{region}"\nissuer: 县民政局\ndocument: 桂民规〔2024〕1号\n'
        f'effective_from: {effective_from}\n{until}reviewed_on: 2026-01-02\ncontacts: [village, "12345"]\n---\n'
    )
    return front + (sections if sections is not None else section_text())


def section_text(
    key: str = "how",
    title: str = "怎么申请",
    short: str = "到村里申请。",
    asked: str = "低保怎么申请 | 低保去哪里办",
    body: str = "先到村委会。",
) -> str:
    """One section of a sheet."""
    return f"## {key} — {title}\nshort: {short}\nasked as: {asked}\nsource: [已核 S01 2024 桂]\n\n{body}\n\n"


def write_sheet(directory: Path, text: str, region: str = "45", name: str = "dibao") -> Path:
    """A sheet's file where ``load_sheets`` looks for it."""
    file = directory / region / f"{name}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def parsed(directory: Path, text: str, region: str = "45", name: str = "dibao") -> Sheet:
    """The sheet that a text makes."""
    return parse_sheet(write_sheet(directory, text, region, name))


def tiny_sheets() -> list[Sheet]:
    """Three sheets of two sections each, all in force since 2024."""
    import tempfile

    dibao = section_text("how", "低保怎么申请", "低保到村里申请。", "低保怎么申请 | 低保去哪里办 | 怎样办低保") + section_text(
        "benefit", "低保领多少钱", "低保按户算，每月发。", "低保领多少钱 | 低保一个月几多 | 低保钱几时发", "每月打到卡里。"
    )
    medical = section_text(
        "benefit", "住院报销多少", "住院按比例报。", "住院报销多少 | 看病报几多 | 医保报多少", "乡镇卫生院报得多。"
    ) + section_text(
        "how",
        "医疗救助怎么办",
        "先报销，再救助。",
        "医疗救助怎么办 | 大病花费太多找谁 | 住院花了五万怎么办",
        "先到医院窗口结算。",
    )
    rights = section_text(
        "where", "去哪里投诉", "打12317。", "去哪里投诉 | 干部收钱打什么电话 | 举报找谁", "打12317或12345。"
    ) + section_text("general", "怎样防骗", "不要转账。", "怎样防骗 | 有人喊我转账 | 骗子电话", "办政策不收钱。")
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        return [
            parsed(directory, sheet_text("dibao", "农村低保", sections=dibao), name="dibao"),
            parsed(directory, sheet_text("medical", "医保和医疗救助", sections=medical), name="medical"),
            parsed(directory, sheet_text("rights", "投诉举报和防骗", sections=rights), name="rights"),
        ]


def vector_of(text: str) -> np.ndarray:
    """The fake encoder's vector of a text as the assistant encodes it."""
    return FakeEncoder().question(normalise(text))
