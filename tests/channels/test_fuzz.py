"""Webhooks under anything that a platform (or who has its secret) may send: always an answer, never a crash."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from channels.carrier import Means
from channels.envelope import key_of, seal_envelope, signature
from channels.journal import Journal
from channels.limit import Limiter
from channels.message import Answer, Inbound, Reply, Understood
from channels.reception import Reception
from channels.sms_twilio.routes import twilio_router
from channels.sms_twilio.settings import TwilioSettings
from channels.wechat.followers import Followers
from channels.wechat.routes import wechat_router
from channels.wechat.settings import WechatSettings
from channels.wecom.routes import wecom_router
from channels.wecom.settings import WecomSettings
from core.crypto import Vault
from core.database import Database
from core.errors import MingbaiError
from core.outbox import Outbox
from knowledge_base.text import clean

HERE, TOKEN, KEY = "http://testserver", "token", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
QUERY = ["signature", "timestamp", "nonce", "msg_signature", "echostr"]
FINE = {200, 400, 403, 413}
# what XML and forms can carry: no lone surrogates, and in XML no control characters
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
EVENTS = st.sampled_from(["subscribe", "SCAN", "CLICK", "VIEW", "unsubscribe", "LOCATION", "template_card_event", ""])
KINDS = st.sampled_from(["text", "event", "voice", "location", "image", "x", ""])
FIELDS = st.fixed_dictionaries(
    {"ToUserName": WORDS, "FromUserName": WORDS, "MsgType": KINDS},
    optional={
        "Content": WORDS, "MsgId": WORDS, "CreateTime": WORDS, "Event": EVENTS, "EventKey": WORDS, "Recognition": WORDS,
        "Label": WORDS, "TaskId": WORDS,
    },
)  # fmt: skip
PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
FORM = st.dictionaries(
    st.sampled_from(["From", "To", "Body", "MessageSid", "MessageStatus", "ErrorCode", "OptOutType", "x"]),
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.sampled_from(["+85251234567", "delivered", "failed"])
    ),
)
many = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def echo(message: Inbound) -> Answer:
    """Answers anything with what was said."""
    return Answer(message.id, [Reply(message.text or "?")], Understood("policy", "ask_policy", 1.0))


@pytest.fixture
def client(database: Database, vault: Vault, tmp_path: Path) -> TestClient:
    """All webhooks, behind an assistant that echoes."""
    journal, outbox = Journal(database, vault), Outbox(database, vault)

    def act(*_: str) -> None:
        raise MingbaiError("不行")

    means = Means(
        database=database, vault=vault, journal=journal, reception=Reception(journal, echo), outbox=outbox,
        limiter=Limiter(10_000, 10_000, lambda _: False), clean=clean, village=lambda _: None, act=act, county_name="岑溪市",
        public_url=HERE, data_dir=tmp_path, demo=True,
    )  # fmt: skip
    app = FastAPI()
    wechat = WechatSettings(app_id="wx", token=SecretStr(TOKEN), passive_s=2)
    app.include_router(wechat_router(wechat, means, Followers(database, outbox)))
    wecom = WecomSettings(corp_id="ww", agent_id=1, token=SecretStr(TOKEN), aes_key=SecretStr(KEY))
    app.include_router(wecom_router(wecom, means))
    app.include_router(twilio_router(TwilioSettings(account_sid="AC", auth_token=SecretStr(TOKEN)), means))
    return TestClient(app)


def xml(fields: dict[str, str]) -> bytes:
    """Fields as a platform writes them."""
    split = {name: value.replace("]]>", "]]]]><![CDATA[>") for name, value in fields.items()}
    return ("<xml>" + "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in split.items()) + "</xml>").encode()


def signed(*pieces: str) -> dict[str, str]:
    """A query that our gates let in."""
    stamp = str(int(time.time()))
    name = "msg_signature" if pieces else "signature"
    return {name: signature(TOKEN, stamp, "n", *pieces), "timestamp": stamp, "nonce": "n"}


@many
@given(FIELDS)
def test_wechat(client: TestClient, fields: dict[str, str]) -> None:
    """Any message and event gets an answer that is XML, or «success»."""
    response = client.post("/wechat", params=signed(), content=xml(fields))
    assert response.status_code in FINE
    assert response.text == "success" or response.text.startswith("<xml>") or response.status_code != 200


@many
@given(
    st.binary(max_size=200),
    st.dictionaries(st.sampled_from(["signature", "timestamp", "nonce", "msg_signature", "echostr"]), WORDS),
)
def test_rubbish_at_every_door(client: TestClient, body: bytes, query: dict[str, Any]) -> None:
    """Unsigned bytes and odd queries are turned away everywhere."""
    for path in ("/wechat", "/wecom", "/sms/twilio/inbound", "/sms/twilio/status/x"):
        assert client.post(path, params=query, content=body).status_code in {400, 403}
    for path in ("/wechat", "/wecom"):
        assert client.get(path, params=query).status_code == 403


@many
@given(FIELDS)
def test_wecom(client: TestClient, fields: dict[str, str]) -> None:
    """The same, sealed."""
    sealed = seal_envelope(key_of(KEY), xml(fields), "ww", hashlib.sha256(b"x").digest()[:16])
    response = client.post("/wecom", params=signed(sealed), content=xml({"Encrypt": sealed}))
    assert response.status_code in FINE


@many
@given(FORM)
def test_twilio(client: TestClient, form: dict[str, str]) -> None:
    """Any form that Twilio signs is acknowledged."""
    form = {**form, "AccountSid": "AC"}
    for path in ("/sms/twilio/inbound", "/sms/twilio/status/abc"):
        headers = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(f"{HERE}{path}", form)}
        response = client.post(path, data=form, headers=headers)
        assert response.status_code == 200
        assert response.text.startswith("<Response")
