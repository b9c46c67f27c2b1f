"""A carrier for the outbox benchmark: takes what Twilio's REST API takes, 50 ms later. Its argument is the port."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvicorn

LATENCY_S = 0.05
ANSWER = b'{"sid": "SM00000000000000000000000000000000", "status": "accepted", "num_segments": "1"}'


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(LATENCY_S)
    await send({"type": "http.response.start", "status": 201, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": ANSWER})


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False, lifespan="off")
