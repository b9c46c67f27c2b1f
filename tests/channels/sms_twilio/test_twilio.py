"""Twilio: the contract, its errors, its signatures, a conversation, and a day on which everything goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import select

from channels.carrier import Means, open_channel, open_channels
from channels.deliverer import Deliverer
from channels.journal import Journal
from channels.limit import Limiter
from channels.message import Answer, Button, Inbound, Reply, Understood
from channels.reception import Reception
from channels.sms_twilio.carrier import TwilioCarrier
from channels.sms_twilio.errors import in_words, result_of
from channels.sms_twilio.routes import twilio_router
from channels.sms_twilio.settings import TwilioSettings
from core.crypto import Vault
from core.database import Database
from core.delivery import Result, State
from core.errors import ConfigurationError
from core.outbox import Outbox, OutboxRow, Outgoing
from knowledge_base.text import clean
from service.supervisor import free_port
from tests.channels.carrier_contract import HONG_KONG, Bench, CarrierContract, claimed
from tests.channels.test_deliverer import until
from tests.simulators.serving import serving
from tests.simulators.twilio import ACCOUNT, SERVICE, TOKEN, Behaviour, TwilioSimulator, refusal

HERE = "http://mingbai.example"


def settings(base_url: str, **other: Any) -> TwilioSettings:
    """The simulator's account."""
    fields = {"timeout_s": 1.5, "per_second": 10_000, "auth_token": SecretStr(TOKEN), **other}
    return TwilioSettings(account_sid=ACCOUNT, messaging_service_sid=SERVICE, base_url=base_url, **fields)


@dataclass
class TwilioBench(Bench):
    """The simulator behind the carrier."""

    simulator: TwilioSimulator

    async def taken(self) -> list[tuple[str, str]]:
        """What it took."""
        return [(one.to, one.body) for one in self.simulator.taken.values()]


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[TwilioBench]:
    """A carrier whose Twilio is the simulator."""
    simulator = TwilioSimulator()
    async with serving(simulator.app) as url:
        carrier = TwilioCarrier(settings(url), HERE)
        yield TwilioBench(carrier, simulator)
        await carrier.close()
    await simulator.close()


class TestTwilioCarrier(CarrierContract):
    """All of the contract, over real HTTP."""

    @pytest.mark.parametrize(
        ("fault", "result"),
        [
            ("429", Result.WAIT), ("500", Result.UNKNOWN), ("500 taken", Result.UNKNOWN), ("timeout", Result.UNKNOWN),
            ("timeout taken", Result.UNKNOWN), ("disconnect taken", Result.UNKNOWN),
        ],
    )  # fmt: skip
    async def test_what_went_wrong_is_told_as_far_as_it_is_certain(self, bench: TwilioBench, fault: str, result: Result) -> None:
        """A refusal is one; after a lost answer only a look tells whether the message is there."""
        bench.simulator.behaviour.faults = {fault: 1.0}
        message = claimed()
        assert (await bench.carrier.send(message)).result == result
        found = await bench.carrier.find(message)
        assert found is not None
        assert (found.result == Result.UNKNOWN) == (not await bench.taken())

    @pytest.mark.parametrize(
        ("code", "result"), [(21610, Result.FAILED), (21211, Result.FAILED), (21611, Result.WAIT), (99999, Result.FAILED)]
    )
    async def test_refusals_by_code(self, bench: TwilioBench, code: int, result: Result) -> None:
        """Twilio's code decides, and is kept."""
        bench.simulator.behaviour.refusals = {HONG_KONG: code}
        outcome = await bench.carrier.send(claimed())
        assert (outcome.result, outcome.reason) == (result, str(code))

    async def test_wrong_credentials_are_waited_for(self, bench: TwilioBench) -> None:
        """They are no message's fault."""
        assert isinstance(bench.carrier, TwilioCarrier)
        url = bench.carrier._settings.base_url
        wrong = TwilioCarrier(settings(url, auth_token=SecretStr("wrong")), HERE)
        outcome = await wrong.send(claimed())
        await wrong.close()
        assert (outcome.result, outcome.reason) == (Result.WAIT, "20003")
        assert outcome.after is not None
        assert outcome.after >= timedelta(minutes=1)

    async def test_nobody_there_is_waited_for(self) -> None:
        """Without a connection nothing was handed over, and a look tells nothing."""
        carrier = TwilioCarrier(settings(f"http://127.0.0.1:{free_port()}"), HERE)
        assert (await carrier.send(claimed())).result == Result.WAIT
        assert await carrier.find(claimed()) is None
        await carrier.close()

    async def test_the_mainland_needs_a_recorded_assessment(self, bench: TwilioBench) -> None:
        """Without the county's document no +86 number is called; with it the message goes."""
        mainland = claimed("13800138000")
        assert (await bench.carrier.send(mainland)).result == Result.FAILED
        assert bench.simulator.calls == 0
        assert isinstance(bench.carrier, TwilioCarrier)
        allowed = TwilioCarrier(settings(bench.carrier._settings.base_url, mainland_assessment="岑办〔2026〕3号"), HERE)
        assert (await allowed.send(mainland)).result == Result.SENT
        await allowed.close()

    async def test_too_long_a_text_is_not_sent(self, bench: TwilioBench) -> None:
        """1,600 characters are Twilio's end."""
        assert (await bench.carrier.send(claimed(content={"text": "字" * 1601}))).result == Result.FAILED


def test_every_code_has_words() -> None:
    """Each code of the table leads somewhere and is said in Chinese; an unknown one is never sent again."""
    lines = (Path(__file__).parents[3] / "channels" / "sms_twilio" / "errors.tsv").read_text("utf-8").splitlines()
    codes = [line.split("\t")[0] for line in lines if line[:1].isdigit()]
    assert len(codes) == len(set(codes)) > 25
    for code in codes:
        assert result_of(code) in Result
        assert in_words(code)
        assert not in_words(code).isascii()
    assert (result_of("12345"), in_words("12345")) == (Result.FAILED, "")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None), ({"Too": "x"}, 20001), ({"To": "13800138000"}, 21211), ({"To": ""}, 21604), ({"From": "+85230000000"}, 21603),
        ({"Body": ""}, 21602), ({"Body": "x" * 1601}, 21617), ({"ValidityPeriod": "0"}, 21624), ({"ValidityPeriod": "x"}, 21624),
        ({"StatusCallback": "https://my_host/x"}, 21609), ({"SendAt": "2026-01-01T00:00:00Z"}, 35114),
        ({"SmartEncoded": "yes"}, 20001), ({"MessagingServiceSid": "MG1"}, 21701),
    ],
)  # fmt: skip
def test_the_simulator_is_strict(change: dict[str, str], code: int | None) -> None:
    """Each parameter's type and limit, and no parameter that Twilio does not have."""
    form = {"To": HONG_KONG, "MessagingServiceSid": SERVICE, "Body": "x", "StatusCallback": "https://host/x"}
    assert refusal({**form, **change}) == code


# --- webhooks ------------------------------------------------------------------------------------------------------------


class House:
    """Our side: webhooks at a public address, an assistant that answers anything, a deliverer."""

    def __init__(self, database: Database, vault: Vault, port: int, twilio: str, tmp_path: Path, per_minute: int = 1000) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.outbox, self.journal = Outbox(database, vault), Journal(database, vault)
        self.heard: list[str] = []
        self.limiter = Limiter(per_minute, per_minute, lambda text: "救命" in text)
        self.means = Means(
            database=database, vault=vault, journal=self.journal, reception=Reception(self.journal, self.answer),
            outbox=self.outbox, limiter=self.limiter, clean=clean, village=lambda _: None, act=lambda *_: None,
            county_name="岑溪市",
            public_url=self.url, data_dir=tmp_path, demo=True,
        )  # fmt: skip
        self.settings = settings(twilio)
        self.app = FastAPI()
        self.app.include_router(twilio_router(self.settings, self.means))
        self.deliverer = Deliverer(
            self.outbox, "sms", TwilioCarrier(self.settings, self.url), at_once=32, poll_s=0.05,
            lease=timedelta(seconds=3), look_up_every_s=0.2,
        )  # fmt: skip

    async def answer(self, message: Inbound) -> Answer:
        self.heard.append(message.text)
        replies = [Reply(f"您问：{message.text}", [Button("要带什么", "x")])]
        return Answer(message.id, replies, Understood("policy", "ask_policy", 1.0))


@pytest_asyncio.fixture
async def town(database: Database, vault: Vault, tmp_path: Path) -> AsyncIterator[tuple[House, TwilioSimulator]]:
    """Our side and a Twilio, each at an address of its own."""
    simulator, port = TwilioSimulator(Behaviour(hang_s=2.5)), free_port()
    async with serving(simulator.app) as twilio:
        house = House(database, vault, port, twilio, tmp_path)
        async with serving(house.app, port):
            running = asyncio.create_task(house.deliverer.run())
            yield house, simulator
            house.deliverer.stop()
            await running
            await house.means.reception.close()
            await simulator.close()


async def test_a_conversation(town: tuple[House, TwilioSimulator]) -> None:
    """A villager writes, and gets the answer with its choices; a webhook that is repeated changes nothing."""
    house, simulator = town
    for _ in range(3):
        response = await simulator.say(f"{house.url}/sms/twilio/inbound", HONG_KONG, "低保怎么办", sid="SM" + "1" * 32)
        assert (response.status_code, response.text) == (200, "<Response/>")
        assert response.headers["content-type"].startswith("text/xml")
    await until(lambda: house.outbox.counts() == {State.DELIVERED: 1})
    assert house.heard == ["低保怎么办"]
    [taken] = simulator.taken.values()
    assert (taken.to, taken.body) == (HONG_KONG, "您问：低保怎么办\n回数字：1要带什么")


async def test_strangers_are_refused(town: tuple[House, TwilioSimulator]) -> None:
    """No signature, a wrong one, one over other words, another account: 403, and nothing happens."""
    house, simulator = town
    inbound = f"{house.url}/sms/twilio/inbound"
    form = {"From": HONG_KONG, "Body": "低保", "MessageSid": "SM1", "AccountSid": ACCOUNT}
    responses = [
        await simulator._client.post(inbound, data=form),
        await simulator.post(inbound, form, token="wrong"),
        await simulator.post(inbound, {**form, "AccountSid": "AC" + "1" * 32}),
        await simulator.post(f"{house.url}/sms/twilio/status/x", {"MessageStatus": "sent"}, token="wrong"),
    ]
    signature = simulator._validator.compute_signature(inbound, form)
    changed = {**form, "Body": "退订"}
    responses.append(await simulator._client.post(inbound, data=changed, headers={"X-Twilio-Signature": signature}))
    assert [response.status_code for response in responses] == [403] * 5
    big = await simulator._client.post(inbound, content=b"x" * 70_000)
    assert big.status_code == 413
    assert house.heard == []
    assert house.journal.lines(house.journal.conversation("sms", HONG_KONG)) == []


async def test_who_writes_too_fast_is_told_once(database: Database, vault: Vault, tmp_path: Path) -> None:
    """Kind words once, then silence; danger is heard all the same."""
    simulator, port = TwilioSimulator(), free_port()
    house = House(database, vault, port, "http://127.0.0.1:1", tmp_path, per_minute=1)
    async with serving(house.app, port):
        said = [
            (await simulator.say(f"{house.url}/sms/twilio/inbound", HONG_KONG, text)).text for text in ("一", "二", "三", "救命")
        ]
        await until(lambda: len(house.heard) == 2)
    await simulator.close()
    assert house.heard == ["一", "救命"]
    assert "太快" in said[1]
    assert said[2] == said[3] == "<Response/>"


async def test_who_opted_out_at_twilio_gets_no_answer(town: tuple[House, TwilioSimulator]) -> None:
    """Twilio answered STOP itself and would refuse ours; the assistant takes note."""
    house, simulator = town
    await simulator.say(f"{house.url}/sms/twilio/inbound", HONG_KONG, "STOP", OptOutType="STOP")
    await until(lambda: house.heard == ["STOP"])
    await asyncio.sleep(0.3)
    assert house.outbox.counts() == {}


async def test_a_day_on_which_everything_goes_wrong(town: tuple[House, TwilioSimulator]) -> None:
    """Refusals, timeouts and lost answers; reports late, twice, out of order or never. Every message ends in exactly one
    state, that state is true, and none was handed over twice."""
    house, simulator = town
    count = 250
    simulator.behaviour = Behaviour(
        faults={"429": 0.03, "500": 0.05, "500 taken": 0.05, "timeout": 0.03, "timeout taken": 0.04, "disconnect taken": 0.05},
        finals={"delivered": 0.6, "undelivered": 0.15, "failed": 0.05, "": 0.2},
        refusals={f"+85260000{number:03d}": 21610 for number in range(0, count, 25)},
        hang_s=2.5, late_s=0.1, twice=0.3, reordered=0.3,
    )  # fmt: skip
    with house.outbox._database.begin() as session:
        house.outbox.enqueue(
            session, (Outgoing(f"n{n}", "sms", f"+85260000{n:03d}", {"text": f"通知第{n}号"}) for n in range(count))
        )
    await until(lambda: not {State.QUEUED, State.SENDING} & set(house.outbox.counts()), 60)
    await simulator.quiet()
    with house.outbox._database.read() as session:
        rows = {row.id: row for row in session.scalars(select(OutboxRow))}
    assert len(rows) == count
    refused = set(simulator.behaviour.refusals)
    for name, row in rows.items():
        taken = simulator.by_callback[f"{house.url}/sms/twilio/status/{name}"]
        to = house.means.vault.unseal_json(row.body)["to"]
        assert len(taken) <= 1, "handed over twice"
        if to in refused:
            assert (row.state, row.reason, taken) == ("failed", "21610", [])
        elif not taken:
            assert row.state == State.UNKNOWN
        else:
            expected = {"": "sent", "delivered": "delivered", "undelivered": "failed", "failed": "failed"}[taken[0].final]
            assert row.state == expected
    assert simulator.refused_reports == []
    assert {row.state for row in rows.values()} == {"sent", "delivered", "failed", "unknown"}


def test_a_channel_needs_its_settings(database: Database, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is named; two carriers for one channel are one too many; a name that is no channel is refused."""
    house = House(database, vault, 1, "http://127.0.0.1:1", tmp_path)
    with pytest.raises(ConfigurationError, match="MINGBAI_TWILIO_ACCOUNT_SID"):
        open_channel("sms_twilio", house.means)
    for name, value in (("ACCOUNT_SID", ACCOUNT), ("AUTH_TOKEN", TOKEN), ("MESSAGING_SERVICE_SID", SERVICE)):
        monkeypatch.setenv(f"MINGBAI_TWILIO_{name}", value)
    assert set(open_channel("sms_twilio", house.means).carriers) == {"sms"}
    with pytest.raises(ConfigurationError, match="choose one"):
        open_channels(["sms_twilio", "sms_file"], house.means)
    for name in ("nothing", "journal", "../x", ""):
        with pytest.raises(ConfigurationError):
            open_channel(name, house.means)
