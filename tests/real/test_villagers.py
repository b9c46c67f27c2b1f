"""Two hundred villagers write at random, eight at a time, to the running assistant; then the books are checked."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from cadres.case import Cases
from channels.journal import Journal
from core import clock
from core.crypto import Vault
from core.database import Database
from core.settings import Settings
from service.remote import Remote
from tests.real.villagers import Villager

VILLAGERS, AT_ONCE = 200, 8


def test_two_hundred_villagers(service: Remote, prepared: Settings) -> None:
    """Each gets kind, short answers and the same one for a retry; who filed has one case with the phone told last, who was
    in danger has one urgent case, nobody has another's, and nothing stays unanswered."""
    seed = secrets.randbits(32)
    run = secrets.token_hex(4)
    villagers = [Villager(f"sim-{run}-{at}", service.chat, random.Random(seed + at)) for at in range(VILLAGERS)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(Villager.live, villagers))

    wrong = [complaint for villager in villagers for complaint in villager.complaints]
    wrong += _books(villagers, prepared)
    assert not wrong, f"seed {seed}, {len(wrong)} complaints:\n" + "\n".join(wrong[:20])
    assert sum(villager.sent for villager in villagers) > VILLAGERS * 2
    assert sum(bool(villager.numbers) for villager in villagers) > VILLAGERS * 0.2


def _books(villagers: list[Villager], settings: Settings) -> list[str]:
    """What the database says otherwise than the villagers."""
    vault = Vault.open(settings.data_dir)
    database, cases, wrong = Database(settings.sqlalchemy_url), Cases(vault), []
    journal = Journal(database, vault)
    owners = Counter(number for villager in villagers for number in villager.numbers | villager.in_danger)
    wrong += [f"case {number} was told to {owned} villagers" for number, owned in owners.items() if owned > 1]
    with database.read() as session:
        for villager in villagers:
            own = cases.of_conversation(session, journal.conversation("web", villager.name))
            routine = [case for case in own if case.urgency == "routine"]
            kept = {case.number for case in routine}, {case.number for case in own if case.urgency == "urgent"}
            if kept != (villager.numbers, villager.in_danger) or any(len(numbers) > 1 for numbers in kept):
                wrong.append(f"{villager.name}: told {villager.numbers} and {villager.in_danger}, there are {kept}")
            if routine and villager.phone not in cases.details(routine[0]).contact:
                wrong.append(f"{villager.name}: the phone told last is not in the case")
    left = journal.unanswered(clock.now() - timedelta(seconds=1))
    database.close()
    return wrong + [f"unanswered: {message.id}" for message in left]
