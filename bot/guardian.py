"""Rasa ends with the service that started it. Runs under Python 3.10, inside Rasa.

A service that is killed cannot stop its Rasa. Left behind it would keep its memory for good, beside the one that the next
start brings.
"""

from __future__ import annotations

import os
import signal
import threading
import time

SERVICE = "MINGBAI_SERVICE_PID"
LOOK_EVERY_S = 1.0


def end_with_the_service() -> None:
    """Watch the service that is named in ``MINGBAI_SERVICE_PID``, if one is: once it is gone, so are we."""
    if SERVICE in os.environ:
        threading.Thread(target=_watch, args=(int(os.environ[SERVICE]),), name="guardian", daemon=True).start()


def _watch(service: int) -> None:
    while os.getppid() == service:  # an orphan has another parent
        time.sleep(LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGKILL)  # sanic would wait for turns that nobody reads any more
