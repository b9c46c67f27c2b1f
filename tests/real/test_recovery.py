"""Rasa dies, the service dies: nothing is lost, and villagers are told nothing technical."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from channels.journal import Journal
from core.crypto import Vault
from core.database import Database
from core.settings import Settings
from service.remote import Remote, start_service
from tests.real.conftest import OFFLINE, texts


def rasa_pid(service: Remote) -> int:
    """The Rasa process that a service started."""
    found = subprocess.run(["pgrep", "-P", str(service.pid), "-f", "rasa run"], capture_output=True, text=True, check=True)
    return int(found.stdout.split()[0])


def wait_until_full(service: Remote, within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not service.is_ready(full=True):
        assert time.monotonic() < end, "Rasa did not come back"
        time.sleep(0.3)


def test_rasa_killed_mid_conversation(own_service: Remote) -> None:
    """Killed in the middle of a report: the report goes on without Rasa, questions and danger are answered, and the
    conversation goes on with Rasa once it is back."""
    own_service.chat("v1", "我老公病重住院，花光了积蓄，帮我报上去")
    own_service.chat("v2", "我家房子烧了，什么都没有了，想申请帮扶")
    os.kill(rasa_pid(own_service), signal.SIGKILL)

    placed = own_service.chat("v1", "岑城镇探花村")
    question = own_service.chat("v3", "低保怎么申请")
    danger = own_service.chat("v4", "我不想活了，今晚就走")
    filed = own_service.chat("v1", "13812345678")

    assert "电话" in texts(placed)
    assert question["sources"][0]["sheet"] == "dibao"
    assert danger["case"]["urgency"] == "urgent"
    assert filed["case"] is not None
    assert own_service.http.get("/readyz").status_code == 200
    wait_until_full(own_service)
    own_service.chat("v2", "岑城镇探花村")
    assert own_service.chat("v2", "13912345678")["case"] is not None
    assert own_service.chat("v1", "低保怎么申请")["sources"][0]["sheet"] == "dibao"
    assert own_service.chat("v1", "我报的怎么样了")["case"]["number"] == filed["case"]["number"]


def test_stopped_rasa_is_given_up_in_time(own_service: Remote) -> None:
    """A Rasa that hangs costs one time-out, and its late result changes nothing."""
    own_service.chat("v1", "我老公病重住院，花光了积蓄，帮我报上去")
    own_service.chat("v1", "岑城镇探花村")
    pid = rasa_pid(own_service)
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        filed = own_service.chat("v1", "13812345678")
    finally:
        os.kill(pid, signal.SIGCONT)

    assert time.monotonic() - began < 6
    assert filed["case"] is not None
    time.sleep(2)  # the late turn inside Rasa runs to its end
    again = own_service.chat("v1", "我报的怎么样了")
    assert again["case"]["number"] == filed["case"]["number"]


def test_unanswered_messages_are_answered_after_a_crash(prepared: Settings, tmp_path: Path) -> None:
    """What was journalled before a crash and not answered is answered at the next start, and shown to the villager."""
    with start_service(prepared, tmp_path, **OFFLINE) as service:
        service.chat("v1", "你好")
    database = Database(f"sqlite:///{tmp_path / 'mingbai.db'}")
    journal = Journal(database, Vault.open(tmp_path))
    conversation = journal.conversation("web", "v1")
    message, _ = journal.record(conversation, text="低保怎么申请", client_id="lost-1")
    database.close()

    with start_service(prepared, tmp_path, **OFFLINE) as service:
        answer = service.chat("v1", "低保怎么申请", id="lost-1")
        updates = service.http.get("/api/chat/updates", params={"sender": "v1", "after": message.id}).json()["updates"]

    assert answer["message_id"] == message.id
    assert answer["sources"][0]["sheet"] == "dibao"
    assert updates


def test_a_killed_service_leaves_no_rasa_behind(own_service: Remote) -> None:
    """A service that is killed cannot stop its Rasa; Rasa sees that it is alone and ends."""
    rasa = rasa_pid(own_service)
    assert own_service.pid is not None
    os.kill(own_service.pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while _runs(rasa):
        assert time.monotonic() < end, "Rasa is still there"
        time.sleep(0.2)


def _runs(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be noticed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_action_port_refuses_strangers(own_service: Remote) -> None:
    """Without the token nobody posts an action; Rasa's own port answers only for open turns."""
    listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=False).stdout
    ports = {
        int(line.split()[3].rsplit(":", 1)[1])
        for line in listening.splitlines()
        if f"pid={own_service.pid}," in line or f"pid={rasa_pid(own_service)}," in line
    }
    if not ports:
        pytest.skip("«ss» is not there to find the ports with")
    addresses = [line.split()[3] for line in listening.splitlines() if any(f":{port} " in line for port in ports)]
    assert all(address.startswith("127.0.0.1:") for address in addresses)

    for port in ports:
        body = {"next_action": "action_file_report", "tracker": {"sender_id": "x", "latest_message": {}}, "domain": {}}
        try:
            assert httpx.post(f"http://127.0.0.1:{port}/webhook", json=body, timeout=5).status_code in (403, 404, 405)
        except httpx.HTTPError as error:
            raise AssertionError(f"port {port} did not answer plainly") from error
        forged = {"sender": "victim", "message": "/inform", "metadata": {"message_id": "made-up"}}
        answer = httpx.post(f"http://127.0.0.1:{port}/webhooks/rest/webhook", json=forged, timeout=10)
        assert answer.status_code in (404, 405) or answer.json() == []
