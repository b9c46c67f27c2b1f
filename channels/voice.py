"""Voice messages: which recordings are taken, and what was understood of one."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import MingbaiError

VOICE_LIMIT = 4 * 1024 * 1024  # bytes: two minutes of uncompressed speech, far more of anything a phone records


class NotAudio(MingbaiError):
    """这个文件不是录音，我听不了。请重新录一段，或者打字说。"""


@dataclass(frozen=True)
class Audio:
    """A recording and its media type, found out by looking into it."""

    data: bytes
    media_type: str


@dataclass(frozen=True)
class Heard:
    """What was understood: by the ``channel`` itself or our ``recogniser``. ``confidence`` 0..1, None where not told."""

    text: str
    confidence: float | None = None
    by: str = "recogniser"

    def is_clear(self, sure_from: float) -> bool:
        """Whether the text may be taken for what was said."""
        return bool(self.text.strip()) and (self.confidence is None or self.confidence >= sure_from)


def sniff(data: bytes) -> Audio:
    """A recording out of bytes that somebody sent, whatever they called it. Raises NotAudio."""
    head = data[:12]
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return Audio(data, "audio/webm")
    if head.startswith(b"OggS"):
        return Audio(data, "audio/ogg")
    if head[4:8] == b"ftyp":
        return Audio(data, "audio/mp4")
    if head.startswith(b"#!AMR"):
        return Audio(data, "audio/amr")
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return Audio(data, "audio/wav")
    if head.startswith(b"ID3") or _is_mp3_frame(head):
        return Audio(data, "audio/mpeg")
    raise NotAudio


def _is_mp3_frame(head: bytes) -> bool:
    # eleven bits of synchronisation, then version and layer: layer 0 is reserved (and marks bare AAC)
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 != 0
