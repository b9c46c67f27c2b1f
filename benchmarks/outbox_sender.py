"""The sending process of the outbox benchmark: ``python -m benchmarks.outbox_sender DATABASE_URL CARRIER_URL COUNT``.

Fills an outbox, delivers all of it, and prints what that took as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

import uvloop
from pydantic import SecretStr

from benchmarks.processes import rss_mb
from channels.deliverer import Deliverer
from channels.sms import CHANNEL
from channels.sms_twilio.carrier import TwilioCarrier
from channels.sms_twilio.settings import TwilioSettings
from core.crypto import Vault
from core.database import Database
from core.delivery import Priority, State
from core.outbox import Outbox, Outgoing

TEXT = "【岑溪市】家里有人生大病、遭了灾，可以申报防返贫监测，不收一分钱。到村委会说一声，或者打12317。"


async def deliver(database: Database, carrier_url: str, count: int) -> dict[str, float]:
    outbox = Outbox(database, Vault(bytes(32)))
    with database.begin() as session:
        messages = (
            Outgoing(f"bench:{number}", CHANNEL, f"+8525{number:07d}", {"text": TEXT}, Priority.BULK, batch="bench")
            for number in range(count)
        )
        outbox.enqueue(session, messages)
    settings = TwilioSettings(
        account_sid="AC" + "0" * 32, auth_token=SecretStr("token"), messaging_service_sid="MG" + "0" * 32, base_url=carrier_url,
        per_second=1_000_000,
    )  # fmt: skip
    deliverer = Deliverer(outbox, CHANNEL, TwilioCarrier(settings, "http://127.0.0.1"))
    began, quarter = time.perf_counter(), 0.0
    running = asyncio.create_task(deliverer.run())
    while (sent := (await asyncio.to_thread(outbox.counts, "bench")).get(State.SENT, 0)) < count:
        if not quarter and sent >= count / 4:
            quarter = rss_mb([os.getpid()])
        await asyncio.sleep(0.25)
    seconds = time.perf_counter() - began
    end = rss_mb([os.getpid()])
    deliverer.stop()
    await running
    return {"per_s": count / seconds, "seconds": seconds, "rss_mb_quarter": quarter or end, "rss_mb_end": end}


def main() -> None:
    database = Database(sys.argv[1])
    database.upgrade()
    print(json.dumps(uvloop.run(deliver(database, sys.argv[2], int(sys.argv[3])))))
    database.close()


if __name__ == "__main__":
    main()
