"""WeCom against an API of our own: cards to cadres, and their buttons as deeds."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import SecretStr

from channels.carrier import Means, open_channel
from channels.journal import Journal
from channels.limit import Limiter
from channels.reception import Reception
from channels.wecom.carrier import WecomCarrier, outcome_of
from channels.wecom.client import WecomClient
from channels.wecom.routes import wecom_router
from channels.wecom.settings import WecomSettings
from core.crypto import Vault
from core.database import Database
from core.delivery import Result
from core.errors import ConfigurationError, MingbaiError
from core.outbox import Outbox
from knowledge_base.text import clean
from service.supervisor import free_port
from tests.channels.carrier_contract import claimed
from tests.simulators.serving import serving
from tests.simulators.wecom import AES_KEY, AGENT, CORP, SECRET, TOKEN, WecomSimulator

HERE = "https://mingbai.example"
CASE = {"case": "10012", "text": "急件10012，岑城镇探花村"}


@pytest_asyncio.fixture
async def house(database: Database, vault: Vault, tmp_path: Path) -> AsyncIterator[SimpleNamespace]:
    """Our callback and carrier, and a WeCom; ``acts`` notes who did what, and refuses «10013»."""
    simulator, port, acts = WecomSimulator(), free_port(), list[tuple[str, str, str]]()

    def act(member: str, deed: str, number: str) -> None:
        if number == "10013":
            raise MingbaiError("没有这个编号，或者不在您的辖区。")
        acts.append((member, deed, number))

    async with serving(simulator.app) as api:
        settings = WecomSettings(
            corp_id=CORP,
            agent_id=AGENT,
            secret=SecretStr(SECRET),
            token=SecretStr(TOKEN),
            aes_key=SecretStr(AES_KEY),
            base_url=api,
        )
        journal = Journal(database, vault)
        means = Means(
            database=database, vault=vault, journal=journal, reception=Reception(journal, lambda _: None),  # type: ignore[arg-type,return-value]
            outbox=Outbox(database, vault), limiter=Limiter(9, 9, lambda _: False), clean=clean, village=lambda _: None, act=act,
            county_name="岑溪市", public_url=HERE, data_dir=tmp_path, demo=True,
        )  # fmt: skip
        app = FastAPI()
        app.include_router(wecom_router(settings, means))
        simulator.url = f"http://127.0.0.1:{port}/wecom"
        carrier = WecomCarrier(WecomClient(settings, database, vault), settings, HERE)
        async with serving(app, port):
            yield SimpleNamespace(simulator=simulator, carrier=carrier, acts=acts, means=means)
        await carrier.close()
    await simulator.close()


async def test_a_case_comes_as_a_card(house: SimpleNamespace) -> None:
    """Its number and place, a link to the desk, two buttons; nothing of the trouble."""
    message = claimed("town", CASE)
    outcome = await house.carrier.send(message)
    assert (outcome.result, outcome.provider_id) == (Result.SENT, "m1")
    [sent] = house.simulator.sent
    card = sent["template_card"]
    assert (sent["touser"], card["card_action"]["url"]) == ("town", f"{HERE}/desk/cases/10012")
    assert [button["key"] for button in card["button_list"]] == ["seen:10012", "accept:10012"]
    assert card["task_id"].startswith(message.id)
    assert sent["enable_duplicate_check"] == 1


async def test_words_come_as_a_text(house: SimpleNamespace) -> None:
    """An answer's bubbles too; what has no words or no one member is not sent."""
    await house.carrier.send(claimed("town", {"text": "明天开会"}))
    await house.carrier.send(claimed("town", {"replies": [{"text": "一"}, {"text": "二"}]}))
    assert [sent["text"]["content"] for sent in house.simulator.sent] == ["明天开会", "一\n二"]
    for to, content in (("town", {"text": ""}), ("@all", {"text": "x"}), ("a|b", {"text": "x"}), ("", {"text": "x"})):
        assert (await house.carrier.send(claimed(to, content))).result == Result.FAILED
    assert len(house.simulator.sent) == 2


async def test_what_goes_wrong(house: SimpleNamespace) -> None:
    """A stranger is named although the errcode is 0; an old token is renewed; rates and rights are waited for."""
    assert (await house.carrier.send(claimed("nobody", CASE))).result == Result.FAILED
    house.simulator.tokens.append("another")
    assert (await house.carrier.send(claimed("town", CASE))).result == Result.SENT
    house.simulator.refuse_next = [45009, -1, 81013]
    assert [(await house.carrier.send(claimed("town", CASE))).result for _ in range(3)] == [
        Result.WAIT, Result.RETRY, Result.FAILED
    ]  # fmt: skip
    assert outcome_of({}).result == Result.RETRY


async def test_a_button_is_a_deed(house: SimpleNamespace) -> None:
    """It is done for who tapped, and the button says so, or why not."""
    assert await house.simulator.tap("town", "seen:10012") == "已看到"
    assert await house.simulator.tap("town", "accept:10012") == "已受理"
    assert "辖区" in await house.simulator.tap("town", "seen:10013")
    assert await house.simulator.tap("town", "delete:10012") == ""
    assert house.acts == [("town", "seen", "10012"), ("town", "accept", "10012")]


async def test_other_pushes(house: SimpleNamespace) -> None:
    """A text is told where the desk is; other events are silent."""
    assert f"{HERE}/desk" in await house.simulator.push("town", MsgType="text", Content="你好", MsgId="1")
    assert await house.simulator.push("town", MsgType="event", Event="enter_agent") == ""
    assert house.acts == []


async def test_the_callback_is_saved(house: SimpleNamespace) -> None:
    """The echo comes back in clear, nothing around it."""
    response = await house.simulator.verify("1616140317555161061")
    assert (response.status_code, response.content) == (200, b"1616140317555161061")


async def test_strangers_are_refused(house: SimpleNamespace) -> None:
    """A wrong signature, an old time, words in clear, rubbish, too much: nothing is done."""
    simulator = house.simulator
    tapped = "<MsgType>event</MsgType><Event>template_card_event</Event><EventKey>seen:1</EventKey>"
    body = f"<xml><FromUserName>town</FromUserName>{tapped}</xml>"
    codes = [
        (await simulator.deliver(body, msg_signature="0" * 40)).status_code,
        (await simulator.deliver(body, stamp=str(int(time.time()) - 3600))).status_code,
        (await simulator._client.post(simulator.url, content=body.encode())).status_code,
        (await simulator._client.get(simulator.url)).status_code,
    ]
    assert codes == [403] * 4
    assert (await simulator._client.post(simulator.url, content=b"<a>")).status_code == 400
    assert (await simulator._client.post(simulator.url, content=b"x" * 70_000)).status_code == 413
    assert house.acts == []


def test_it_needs_its_settings(house: SimpleNamespace) -> None:
    """What is missing is named."""
    with pytest.raises(ConfigurationError, match="MINGBAI_WECOM_CORP_ID"):
        open_channel("wecom", house.means)
