"""POST /api/chat/voice: the same contract as /api/chat, with a recording in place of the text."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from channels.voice import VOICE_LIMIT, Audio, NotAudio, sniff
from channels.web.request import BadRequest, ChatRequest, check_fields, read_body

FIELDS = ("sender", "id", "region", "transcript")
TOO_LONG = "录音太大了，请录短一点，分几次说。"
FORM_LIMIT = VOICE_LIMIT + 64 * 1024  # the recording and the fields around it


class _InMemory(MultiPartParser):
    """Starlette puts larger uploads into a temporary file: a recording would lie on the disk in clear."""

    spool_max_size = FORM_LIMIT


async def read_voice(request: Request, clean: Callable[[str, int], str], *, sender: str | None = None) -> ChatRequest:
    """A recording out of a multipart form. ``sender`` stands for the form's own field. Raises BadRequest."""
    body = await read_body(request, FORM_LIMIT, TOO_LONG)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise BadRequest("请求不是 multipart/form-data。", 400)

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await _InMemory(request.headers, stream(), max_files=1, max_fields=8).parse()
    except (MultiPartException, KeyError, ValueError):  # the latter two: a broken boundary or charset
        raise BadRequest("请求的格式不对。", 400) from None
    try:
        fields: dict[str, Any] = {name: form.get(name) for name in FIELDS}
        recording = form.get("audio")
        data = await recording.read() if isinstance(recording, UploadFile) else None
    finally:
        await form.close()
    if sender is not None:
        fields["sender"] = sender
    return replace(check_fields({**fields, "text": fields["transcript"] or ""}, clean), audio=_audio(data))


def _audio(data: bytes | None) -> Audio:
    if data is None:
        raise BadRequest("缺少录音。")
    if len(data) > VOICE_LIMIT:
        raise BadRequest(TOO_LONG, 413)
    try:
        return sniff(data)
    except NotAudio as error:
        raise BadRequest(str(error), 415) from None
