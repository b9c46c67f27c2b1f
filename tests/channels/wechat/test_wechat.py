"""The official account against a platform of our own: in time, once, sealed or not, verified or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError
from sqlalchemy import update
from wechatpy.utils import WeChatSigner

from channels.carrier import Means
from channels.deliverer import Deliverer
from channels.journal import Journal
from channels.limit import Limiter
from channels.message import Answer, Button, Inbound, Reach, Reply, Said, Understood
from channels.reception import Reception
from channels.wechat.carrier import WechatCarrier, outcome_of
from channels.wechat.client import WechatClient
from channels.wechat.followers import FollowerRow, Followers
from channels.wechat.routes import wechat_router
from channels.wechat.settings import CHANNEL, WechatSettings
from core import clock
from core.crypto import Vault
from core.database import Database
from core.delivery import Result, State
from core.outbox import Outbox
from knowledge_base.text import clean
from service.supervisor import free_port
from tests.channels.carrier_contract import claimed
from tests.channels.test_deliverer import until
from tests.simulators.serving import serving
from tests.simulators.wechat import AES_KEY, APP_ID, SECRET, TOKEN, WechatPlatform, message, storm

OPENID = "oOPENID"
PASSIVE_S = 3.0  # a busy machine must not turn a quick answer into a promise


class House:
    """Our side: the route, an assistant whose pace is told, a deliverer where the account is verified."""

    def __init__(self, database: Database, vault: Vault, settings: WechatSettings, tmp_path: Path) -> None:
        self.settings = settings
        self.outbox, self.journal = Outbox(database, vault), Journal(database, vault)
        self.heard: list[Inbound] = []
        self.pace_s: dict[str, float] = {}
        self.says: dict[str, str] = {}
        self.urgent = Limiter(1000, 1000, lambda text: False)
        self.means = Means(
            database=database, vault=vault, journal=self.journal, reception=Reception(self.journal, self.answer),
            outbox=self.outbox, limiter=self.urgent, clean=clean, village=self.village, act=lambda *_: None, county_name="岑溪市",
            public_url="", data_dir=tmp_path, demo=True,
        )  # fmt: skip
        self.followers = Followers(database, self.outbox)
        self.app = FastAPI()
        self.app.include_router(wechat_router(settings, self.means, self.followers))

    @staticmethod
    def village(scene: str) -> tuple[str, str] | None:
        return {"village:450481100201": ("450481100201", "岑城镇探花村")}.get(scene)

    async def answer(self, message: Inbound) -> Answer:
        self.heard.append(message)
        await asyncio.sleep(self.pace_s.get(message.text, 0))
        said = self.says.get(message.text, f"答：{message.text or message.payload}")
        return Answer(message.id, [Reply(said, [Button("要带什么", "x")])], Understood("policy", "ask_policy", 1.0))


Town = tuple[House, WechatPlatform]


@asynccontextmanager
async def a_town(
    database: Database,
    vault: Vault,
    tmp_path: Path,
    *,
    sealed: bool = False,
    verified: bool = True,
    passive_s: float = PASSIVE_S,
) -> AsyncIterator[Town]:
    """Our side and a platform, each at an address of its own."""
    platform = WechatPlatform(sealed=sealed, verified=verified, wait_s=8.0)
    async with serving(platform.app) as api:
        settings = WechatSettings(
            app_id=APP_ID, app_secret=SecretStr(SECRET), token=SecretStr(TOKEN), aes_key=SecretStr(AES_KEY if sealed else ""),
            verified=verified, passive_s=passive_s, base_url=api,
        )  # fmt: skip
        house, port = House(database, vault, settings, tmp_path), free_port()
        platform.url = f"http://127.0.0.1:{port}/wechat"
        async with serving(house.app, port):
            carrier = WechatCarrier(WechatClient(settings, database, vault), house.followers, settings)
            deliverer = Deliverer(house.outbox, CHANNEL, carrier, poll_s=0.05)
            running = asyncio.create_task(deliverer.run()) if verified else None
            yield house, platform
            deliverer.stop()
            await (running or carrier.close())
            await house.means.reception.close()
    await platform.close()


@pytest.fixture(params=["plain", "sealed"])
def sealed(request: pytest.FixtureRequest) -> bool:
    """Both modes of the account."""
    return bool(request.param == "sealed")


async def test_an_answer_in_time_is_passive(database: Database, vault: Vault, tmp_path: Path, sealed: bool) -> None:
    """It costs no quota, and the outbox does not send it again."""
    async with a_town(database, vault, tmp_path, sealed=sealed) as (house, platform):
        assert await platform.say(OPENID, "低保怎么办]]>?") == "答：低保怎么办]]>?\n\n回数字：\n1 要带什么"
        await until(lambda: house.outbox.counts() == {State.SENT: 1})
        assert platform.of(OPENID).service == []


async def test_a_slow_answer_follows(database: Database, vault: Vault, tmp_path: Path, sealed: bool) -> None:
    """A promise within the time, then the answer by a customer-service message in UTF-8."""
    async with a_town(database, vault, tmp_path, sealed=sealed, passive_s=0.5) as (house, platform):
        house.pace_s["慢"] = 2.5
        began = time.monotonic()
        assert "马上回您" in (await platform.say(OPENID, "慢") or "")
        assert time.monotonic() - began < 2
        await until(lambda: platform.of(OPENID).service == ["答：慢\n\n回数字：\n1 要带什么"])
        assert "答：慢".encode() in platform.bodies[0]
        assert len(house.heard) == 1


async def test_a_retry_gets_the_same_answer(database: Database, vault: Vault, tmp_path: Path) -> None:
    """The same MsgId three times, one after another and at once: one turn, one answer."""
    async with a_town(database, vault, tmp_path) as (house, platform):
        first = await platform.say(OPENID, "一", MsgId="1")
        again = await asyncio.gather(*(platform.say(OPENID, "一", MsgId="1") for _ in range(2)))
        assert [first, *again] == [first] * 3
        house.pace_s["二"] = 0.2
        both = await asyncio.gather(*(platform.say(OPENID, "二", MsgId="2") for _ in range(3)))
        assert len(set(both)) == 1
        assert [heard.text for heard in house.heard] == ["一", "二"]
        await until(lambda: house.outbox.counts() == {State.SENT: 2})
        assert platform.of(OPENID).service == []


async def test_a_passive_reply_that_was_lost_is_sent(database: Database, vault: Vault, tmp_path: Path) -> None:
    """The answer stands in the outbox until the response is out: after a crash in between it still goes."""
    async with a_town(database, vault, tmp_path) as (house, platform):
        platform.left[OPENID] = 5
        await asyncio.to_thread(house.followers.heard, OPENID)
        conversation = house.journal.conversation(CHANNEL, OPENID)
        said = Said("问", client_id="1", reach=Reach(CHANNEL, OPENID))
        await house.means.reception.say(conversation, said, send_after=timedelta(seconds=0.3))
        await until(lambda: len(platform.of(OPENID).service) == 1)


async def test_an_unverified_account_tells_it_when_they_write_again(database: Database, vault: Vault, tmp_path: Path) -> None:
    """«1» brings what was promised, also before it is there; news come with the next answer; «1» else is a choice."""
    async with a_town(database, vault, tmp_path, verified=False, passive_s=2.0) as (house, platform):
        house.pace_s["慢"] = 5.0
        assert "回复1看答复" in (await platform.say(OPENID, "慢") or "")
        assert "还在查" in (await platform.say(OPENID, "1") or "")
        assert await platform.say(OPENID, "1") == "答：慢\n\n回数字：\n1 要带什么"
        assert [heard.text for heard in house.heard] == ["慢"]
        assert (await platform.say(OPENID, "1") or "").startswith("答：1")
        house.journal.notify(house.journal.conversation(CHANNEL, OPENID), "您报的10001，已经受理了。")
        assert await platform.say(OPENID, "你好") == "您报的10001，已经受理了。\n\n答：你好\n\n回数字：\n1 要带什么"
        await until(lambda: State.QUEUED not in house.outbox.counts())
        assert platform.bodies == []


async def test_a_long_answer_is_told_in_parts(database: Database, vault: Vault, tmp_path: Path) -> None:
    """Verified: the rest follows. Unverified: «1» brings it. Nothing of it is lost."""
    long = "".join(f"第{number}句话在这里。" for number in range(200))
    for verified in (True, False):
        async with a_town(database, vault, tmp_path, verified=verified) as (house, platform):
            house.says["长"] = long
            openid = f"{OPENID}{verified}"
            told = platform.of(openid)
            pieces = [await platform.say(openid, "长") or ""]
            if verified:
                await until(lambda told=told: "1 要带什么" in "".join(told.service), 5)
                pieces += told.service
            else:
                while "1 要带什么" not in pieces[-1]:
                    await asyncio.sleep(0.2)
                    pieces.append(await platform.say(openid, "1") or "")
                    assert len(pieces) < 6
            whole = "".join(piece.removesuffix("\n（还没完，回复1看后面）") for piece in pieces)
            assert whole.replace("\n", "").startswith(long)


async def test_events(database: Database, vault: Vault, tmp_path: Path) -> None:
    """Followers are greeted with their village, who scans another village's code is recognised, a tap is a payload."""
    async with a_town(database, vault, tmp_path) as (house, platform):
        assert "岑溪市" in (await platform.event(OPENID, "subscribe") or "")
        assert "探花村" in (await platform.event("o2", "subscribe", "qrscene_village:450481100201") or "")
        await platform.say("o2", "低保")
        assert house.heard[-1].region == "450481100201"
        assert house.heard[-1].conversation != house.journal.conversation(CHANNEL, OPENID)
        assert "探花村" in (await platform.event(OPENID, "SCAN", "village:450481100201") or "")
        assert await platform.event(OPENID, "CLICK", "do:report_hardship") is not None
        assert (house.heard[-1].payload, house.heard[-1].region) == ("do:report_hardship", "450481100201")
        for silent in ("VIEW", "LOCATION", "TEMPLATESENDJOBFINISH", "something_new", "unsubscribe"):
            assert await platform.event(OPENID, silent, "x") is None
        assert house.followers.of(OPENID).gone
        assert sum(told.broken for told in platform.told.values()) == 0


async def test_other_kinds_of_messages(database: Database, vault: Vault, tmp_path: Path) -> None:
    """A recognised voice and a place are heard; for what we cannot read the villager is asked to type."""
    async with a_town(database, vault, tmp_path) as (house, platform):
        await platform.push(OPENID, "voice", MediaId="m", Format="amr", Recognition="我家没米了")
        await platform.push(OPENID, "location", Location_X="22.9", Location_Y="110.9", Scale="15", Label="岑溪市岑城镇探花村")
        assert [heard.text for heard in house.heard] == ["我家没米了", "岑溪市岑城镇探花村"]
        for kind, word in (("voice", "没听清"), ("image", "图片"), ("video", "打字"), ("link", "打字"), ("brand_new", "打字")):
            assert word in (await platform.push(OPENID, kind, MediaId="m", Recognition="") or "")
        assert len(house.heard) == 2


async def test_strangers_are_refused(database: Database, vault: Vault, tmp_path: Path, sealed: bool) -> None:
    """A wrong token, an old or future time, plain words to a sealed account, rubbish: nothing is heard."""
    async with a_town(database, vault, tmp_path, sealed=sealed) as (house, platform):
        body = message(OPENID, "text", {"Content": "低保", "MsgId": "1"})
        now = int(time.time())
        codes = [
            (await platform.deliver(body, token="wrong", msg_signature="0")).status_code,
            (await platform.deliver(body, stamp=str(now - 3600))).status_code,
            (await platform.deliver(body, stamp=str(now + 3600))).status_code,
            (await platform.deliver(body, signature="签", msg_signature="签")).status_code,
            (await platform._client.post(platform.url, content=body)).status_code,
        ]
        if sealed:
            platform.sealed = False
            codes.append((await platform.deliver(body)).status_code)
        assert codes == [403] * len(codes)
        assert (await platform._client.post(platform.url, content=b"x" * 70_000)).status_code == 413
        assert house.heard == []


async def test_the_server_settings_are_saved(database: Database, vault: Vault, tmp_path: Path) -> None:
    """The echo comes back as it came, to WeChat only."""
    async with a_town(database, vault, tmp_path) as (_, platform):
        stamp = str(int(time.time()))
        signer = WeChatSigner()
        signer.add_data(TOKEN, stamp, "n")
        asked = {"signature": signer.signature, "timestamp": stamp, "nonce": "n", "echostr": "5927782489442352469"}
        response = await platform._client.get(platform.url, params=asked)
        assert (response.status_code, response.text) == (200, "5927782489442352469")
        assert (await platform._client.get(platform.url, params=asked | {"nonce": "m"})).status_code == 403


async def test_quota_and_window_are_kept(database: Database, vault: Vault, tmp_path: Path) -> None:
    """Five messages after each of theirs; the sixth waits and comes with their next; none after two days."""
    async with a_town(database, vault, tmp_path) as (house, platform):
        await platform.say(OPENID, "你好")
        conversation = house.journal.conversation(CHANNEL, OPENID)
        for number in range(7):
            house.journal.notify(conversation, f"消息{number}")
        await until(lambda: "45047" in {letter.reason for letter in house.outbox.letters([State.QUEUED])})
        assert house.outbox.counts() == {State.SENT: 6, State.QUEUED: 2}
        assert platform.of(OPENID).service == [f"消息{number}" for number in range(5)]
        assert len(platform.bodies) == 5
        reply = await platform.say(OPENID, "还有吗")
        assert reply is not None
        assert reply.startswith("消息5\n\n消息6\n\n答：还有吗")
        with database.begin() as session:
            session.execute(update(FollowerRow).values(heard_at=clock.now() - timedelta(hours=49)))
        house.journal.notify(conversation, "太晚了")
        await until(lambda: house.outbox.counts().get(State.QUEUED) == 1)
        await asyncio.sleep(0.3)
        assert len(platform.bodies) == 5


async def test_one_token_for_all(database: Database, vault: Vault, tmp_path: Path) -> None:
    """Two processes share it; a refused one is renewed once, by one of them, and the message goes."""
    platform = WechatPlatform()
    async with serving(platform.app) as api:
        settings = WechatSettings(
            app_id=APP_ID, app_secret=SecretStr(SECRET), token=SecretStr(TOKEN), verified=True, base_url=api
        )
        clients = [WechatClient(settings, database, vault) for _ in range(2)]
        platform.left[OPENID] = 100
        answers = await asyncio.gather(*(client.send_text(OPENID, "你好") for client in clients for _ in range(5)))
        assert {answer["errcode"] for answer in answers} == {0}
        assert len(platform.tokens) == 1
        assert platform.fetches <= 2
        platform.tokens.append("another")  # somebody else fetched one: ours is worth nothing now
        answers = await asyncio.gather(*(client.send_text(OPENID, "你好") for client in clients for _ in range(5)))
        assert {answer["errcode"] for answer in answers} == {0}
        assert platform.forced <= 1
        platform.refuse_next = [40001] * 4
        assert (await clients[0].send_text(OPENID, "你好"))["errcode"] == 40001  # once renewed, once repeated, then told
        for client in clients:
            await client.close()
    await platform.close()


async def test_a_wrong_secret_is_waited_for(database: Database, vault: Vault) -> None:
    """No token, no message: it waits for the administrator, and so does one that finds nobody there."""
    platform = WechatPlatform()
    async with serving(platform.app) as api:
        for url, secret in ((api, "wrong"), (f"http://127.0.0.1:{free_port()}", SECRET)):
            settings = WechatSettings(
                app_id=APP_ID, app_secret=SecretStr(secret), token=SecretStr(TOKEN), verified=True, base_url=url
            )
            followers = Followers(database, Outbox(database, vault))
            await asyncio.to_thread(followers.heard, OPENID)
            carrier = WechatCarrier(WechatClient(settings, database, vault), followers, settings)
            assert (await carrier.send(claimed(OPENID))).result == Result.WAIT
            assert (await carrier.send(claimed(OPENID, {"replies": []}))).result == Result.FAILED
            await carrier.close()
    await platform.close()


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (0, Result.SENT),
        (-1, Result.RETRY),
        (45015, Result.RETRY),
        (48001, Result.WAIT),
        (43004, Result.FAILED),
        (99999, Result.FAILED),
    ],
)  # fmt: skip
def test_error_codes(code: int, result: Result) -> None:
    """HTTP is 200 for all of them."""
    assert outcome_of({"errcode": code}).result == result


def test_a_wrong_key_is_no_setting() -> None:
    """An EncodingAESKey of another length or alphabet is refused at the start."""
    for key in ("short", "!" * 43):
        with pytest.raises(ValidationError):
            WechatSettings(aes_key=SecretStr(key))


async def test_a_hundred_at_once(database: Database, vault: Vault, tmp_path: Path) -> None:
    """Every follower gets exactly their answer, in time, at the first try."""
    async with a_town(database, vault, tmp_path) as (house, platform):
        await storm(platform, [(f"o{number}", f"问{number}") for number in range(100)], per_second=40)
        answered = [platform.of(f"o{number}").passive for number in range(100)]
        late = sum("马上回您" in replies[0] for replies in answered)
        await until(lambda: sum(len(told.service) for told in platform.told.values()) == late)
        for number in range(100):
            told = platform.of(f"o{number}")
            final = [text for text in [*told.passive, *told.service] if text.startswith("答：")]
            assert final == [f"答：问{number}\n\n回数字：\n1 要带什么"]
        assert platform.tries == 100
        assert len(house.heard) == 100


async def test_a_platform_that_hears_nothing_tries_three_times() -> None:
    """The simulator does as WeChat does."""
    platform = WechatPlatform(f"http://127.0.0.1:{free_port()}/wechat")
    assert await platform.say(OPENID, "你好") is None
    assert (platform.tries, platform.of(OPENID).broken) == (3, 1)
    await platform.close()
