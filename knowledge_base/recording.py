"""Recordings: a section of a sheet read aloud by a local voice, in the language of the place.

A recording belongs to the words it was made of: once the section says something else, it is not played any more.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.database import Base
from core.errors import MingbaiError
from knowledge_base.search import Hit

LANGUAGES = ("普通话", "白话", "桂柳话", "壮话")  # in the order in which they are offered
SIZE_LIMIT = 3 * 1024 * 1024  # bytes: some six minutes of speech


class BadRecording(MingbaiError):
    """这段录音不能用。"""


class Recording(Base):
    """One section in one language. ``words`` is the hash of what the section said, ``digest`` that of the file."""

    __tablename__ = "recordings"
    __table_args__ = (UniqueConstraint("region", "sheet", "section", "language"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(String(6))
    sheet: Mapped[str] = mapped_column(String(40))
    section: Mapped[str] = mapped_column(String(60))
    language: Mapped[str] = mapped_column(String(10))
    speaker: Mapped[str] = mapped_column(String(40))
    words: Mapped[str] = mapped_column(String(32))
    digest: Mapped[str] = mapped_column(String(32), index=True)
    media_type: Mapped[str] = mapped_column(String(20))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    uploaded_by: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime]

    @property
    def url(self) -> str:
        return f"/audio/{self.digest}"


@dataclass(frozen=True)
class Upload:
    """A file as an editor hands it in, with who speaks it and in which language."""

    language: str
    speaker: str
    content: bytes


def sniff(content: bytes) -> str | None:
    """The media type of audio that browsers play, by its first bytes; None for anything else, whatever its name says."""
    head = content[:16]
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE6 == 0xE2):
        return "audio/mpeg"
    if head[4:8] == b"ftyp":
        return "audio/mp4"
    if head[:4] == b"OggS":
        return "audio/ogg"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "audio/webm"
    return None


def add_recording(session: Session, hit: Hit, upload: Upload, account_id: int) -> Recording:
    """Keep a recording of a section as it stands now, in place of the one in that language. Raises BadRecording."""
    if upload.language not in LANGUAGES:
        raise BadRecording("请选一种话：" + "、".join(LANGUAGES) + "。")
    if not upload.speaker.strip():
        raise BadRecording("请写上是谁念的。")
    if len(upload.content) > SIZE_LIMIT:
        raise BadRecording(f"文件太大了，最多{SIZE_LIMIT // 1024 // 1024}兆。")
    media_type = sniff(upload.content)
    if media_type is None:
        raise BadRecording("这不是能播放的录音。请用 mp3、m4a、ogg、wav 或 webm。")
    place = {"region": hit.region, "sheet": hit.sheet, "section": hit.key, "language": upload.language}
    session.execute(delete(Recording).filter_by(**place))
    row = Recording(
        **place, speaker=upload.speaker.strip()[:40], words=words_of(hit), media_type=media_type, content=upload.content,
        digest=_hash(upload.content), uploaded_by=account_id, at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def remove_recording(session: Session, number: int) -> None:
    """Take a recording away. Nothing happens when there is none."""
    session.execute(delete(Recording).where(Recording.id == number))


def recordings_of(session: Session, sheet: str, region: str) -> list[Recording]:
    """All recordings of a sheet, those of older words too, in the order of LANGUAGES."""
    rows = session.scalars(select(Recording).where(Recording.sheet == sheet, Recording.region == region))
    return sorted(rows, key=lambda row: (row.section, LANGUAGES.index(row.language)))


def playable(session: Session, hit: Hit) -> list[Recording]:
    """The recordings of a section that say what it says now."""
    words = words_of(hit)
    return [row for row in recordings_of(session, hit.sheet, hit.region) if (row.section, row.words) == (hit.key, words)]


def words_of(hit: Hit) -> str:
    """A hash of what is read aloud: title, short line and text."""
    return _hash("\0".join([hit.title, hit.short, hit.body]).encode())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
