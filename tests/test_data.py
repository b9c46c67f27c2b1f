"""The data that comes with the project: sheets, intents, responses and labelled messages agree with each other and the code."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections import Counter
from string import Formatter
from typing import Any

import pytest
import yaml

from bot.fallback import CHITCHAT
from bot.kinds import INTERRUPTS, KIND_OF
from bot.report import FURTHER, NOTICE, SLOTS
from bot.texts import DOMAIN, Texts
from bot.urgent import HARMLESS, LEXICON, UNKNOWN, UrgentCheck
from core.settings import PROJECT_ROOT
from knowledge_base.evaluation import load_items
from knowledge_base.precheck import VERDICTS
from knowledge_base.search import TOPICS
from knowledge_base.sheet import ASPECTS, SHORT_LIMIT, Sheet, load_sheets
from knowledge_base.text import clean, normalise
from tests.fakes import FakeEncoder, FakeIntents

MESSAGES = PROJECT_ROOT / "tests" / "data" / "messages.jsonl"
BY_SERVICE_ONLY = {"ask_section", "precheck", "inform", "tell_more", "withdraw"}  # sent by the service, never classified
FIRST_BUBBLE = 80
# said after another bubble
LATER = {"report_notice", "report_next", "report_next_accepted", "section", "urgent_case", "precheck_reason"}


def loaded(path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def domain() -> dict[str, Any]:
    """Rasa's domain."""
    return loaded(DOMAIN)


@pytest.fixture(scope="module")
def sheets() -> list[Sheet]:
    """All published sheets; loading them is the parser's own check."""
    return load_sheets(PROJECT_ROOT / "knowledge_base" / "sheets")


@pytest.fixture(scope="module")
def examples() -> dict[str, list[str]]:
    """The NLU examples of every intent."""
    found: dict[str, list[str]] = {}
    for file in sorted((PROJECT_ROOT / "intents").glob("*.yml")):
        for block in loaded(file)["nlu"]:
            lines = [line.removeprefix("- ").strip() for line in block["examples"].splitlines()]
            found.setdefault(block["intent"], []).extend(line for line in lines if line)
    return found


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """The labelled messages with all their fields."""
    return [json.loads(line) for line in MESSAGES.read_text("utf-8").split("\n") if line]


def spoken_names() -> list[tuple[str, set[str], str]]:
    """(name, values, place) of each ``….say("name", …)`` in the code; names that are put together are left out."""
    found = []
    for file in [path for folder in ("bot", "web", "service") for path in (PROJECT_ROOT / folder).rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("say", "_say")
                and node.args
            ):
                said = node.args[0]
                names = [said.body, said.orelse] if isinstance(said, ast.IfExp) else [said]
                values = {keyword.arg or "" for keyword in node.keywords}
                found += [
                    (str(name.value), values, f"{file.name}:{node.lineno}") for name in names if isinstance(name, ast.Constant)
                ]
    return found


def made_names() -> dict[str, set[str]]:
    """Names of texts that the code puts together, with the values they get."""
    kinds = {*loaded(LEXICON), UNKNOWN} - {HARMLESS}
    asking = {f"ask_{slot}" for slot in SLOTS} | {f"ask_{slot}_again" for slot in SLOTS if slot != "event"} | {"ask_place_which"}
    return {
        **{f"urgent_{kind}": {"contact"} for kind in kinds},
        **{name: set() for name in (*CHITCHAT, "opt_in", "opt_out", *asking)},
        **{name: {"contact"} for name in ("report_next", "report_next_accepted", "precheck_off", "precheck_report_first")},
        **{name: {"contact"} for name in ("status_too_often", "status_no_match")},
        **{f"precheck_{verdict}": set() for verdict in VERDICTS},
        **{name: {"number", "place"} for name in ("report_filed", "report_filed_proxy", "report_joined")},
        **{f"ask_{slot}": set() for slot in FURTHER},
        **{name: {"number"} for name in ("added", "corrected", "add_what", "correct_how", "nothing_to_add")},
    }


def told_names() -> dict[str, set[str]]:
    """Names of the words that cadres' code leaves for villagers (``Word(…)``, ``_word(…)``), with the values they get."""
    found: dict[str, set[str]] = {}
    for file in (PROJECT_ROOT / "cadres").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            name = getattr(called, "id", "") or getattr(called, "attr", "")
            if not isinstance(node, ast.Call) or name not in ("Word", "_word"):
                continue
            if name == "Word":
                filled = node.args[3] if len(node.args) > 3 else None
                values = (
                    {str(key.value) for key in filled.keys if isinstance(key, ast.Constant)}
                    if isinstance(filled, ast.Dict)
                    else set()
                )
            else:
                values = set() if isinstance(node.args[2], ast.Constant) else {"cadre", "office"}
            names = [said for said in ast.walk(node.args[1]) if isinstance(said, ast.Constant)]
            found |= {str(said.value): {"contact", *values} for said in names}
    return found


def _filled(text: str) -> str:
    values = {"contact": "村级信息员莫志明 0774-8212345", "number": "100018", "place": "岑溪市岑城镇探花村", "title": "农村低保"}
    values |= {"count": "5", "year": "2024", "days": "15"}
    return text.format(**{name: values.get(name, "八个字左右的内容") for name in fields(text)})


def fields(text: str) -> set[str]:
    """The names in braces of a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


# --- responses ---


def test_the_code_is_read() -> None:
    """The search for spoken texts finds them: it would be silent if the code said its texts in another way."""
    assert {"handoff_taken", "handoff_silent", "voice_nobody", "notice_urgent_again"} <= set(told_names())
    assert {"unreadable", "report_notice", "notice_accepted", "source"} <= {name for name, _, _ in spoken_names()}


def test_every_text_that_the_code_says_exists(domain: dict[str, Any]) -> None:
    """Each name that the code says is a response of the domain, and gets the values that its text needs."""
    for name, values, place in [
        *spoken_names(),
        *((name, values, "made") for name, values in {**made_names(), **told_names()}.items()),
    ]:
        assert f"utter_{name}" in domain["responses"], f"{place}: no utter_{name}"
        missing = fields(domain["responses"][f"utter_{name}"][0]["text"]) - values
        assert not missing, f"{place}: {name} gets no {missing}"


def test_every_text_is_said(domain: dict[str, Any]) -> None:
    """No response of the domain is left over."""
    said = {name for name, _, _ in spoken_names()} | set(made_names()) | set(told_names())
    assert {name.removeprefix("utter_") for name in domain["responses"]} - said == set()


def test_every_name_in_quotes_exists() -> None:
    """Whatever ``utter_…`` the code and the rules write out is a response."""
    for file in [*(PROJECT_ROOT / "bot").rglob("*.py"), PROJECT_ROOT / "bot" / "rules.yml"]:
        for name in re.findall(r"utter_(\w+)", file.read_text("utf-8")):
            if name != "message":  # rasa-sdk's own method
                assert name in Texts(), f"{file.name}: utter_{name}"


def test_each_response_has_one_plain_variant(domain: dict[str, Any]) -> None:
    """A response has one text without a blank at its ends, and ends where a sentence ends."""
    for name, variants in domain["responses"].items():
        assert len(variants) == 1, name
        text = variants[0]["text"]
        assert text == text.strip() != "", name
        assert text[-1] in "。？！：}）", name


def test_what_is_said_first_in_danger_is_short(domain: dict[str, Any]) -> None:
    """The first bubble in danger has a number to call and at most 80 characters."""
    for name in made_names():
        if name.startswith("urgent_"):
            text = domain["responses"][f"utter_{name}"][0]["text"].format(contact="村级信息员 莫志明 0774-8212345")
            assert len(text) <= FIRST_BUBBLE, name
            assert re.search(r"110|119|120|12345", text), name


def test_texts_keep_to_the_tone(domain: dict[str, Any]) -> None:
    """docs/voice.md: no officialese, no promise, never «已通知»; what is said first is short; a decline names whom to ask."""
    said = {name.removeprefix("utter_"): variants[0]["text"] for name, variants in domain["responses"].items()}
    for name, text in said.items():
        assert not re.search(
            r"予以|敬请|贵方|贵户|相关部门|该户|届时|如下所述|您已符合|一定能|肯定能|包您|已通知|系统|错误", text
        ), name
        if name not in LATER:
            assert len(_filled(text)) <= FIRST_BUBBLE, (name, len(_filled(text)))
    for name in ("unknown", "no_sheet", "human", "report_refused", "withdraw_not", "status_no_match", "status_too_often"):
        assert re.search(r"12345|{contact}", said[name]), name
    assert "身份证" in said["ask_contact"]


def test_the_notice_has_a_version() -> None:
    """Who changes what villagers are told of who reads a report gives it a new version, and notes its hash here."""
    text = (
        loaded(DOMAIN)["responses"]["utter_report_notice"][0]["text"]
        + loaded(DOMAIN)["responses"]["utter_report_keep"][0]["text"]
    )
    assert {NOTICE: hashlib.sha256(text.encode()).hexdigest()[:12]} == {"2026-11": "e27bce995de3"}


# --- intents ---


def test_intents_domain_and_kinds_agree(domain: dict[str, Any], examples: dict[str, list[str]]) -> None:
    """Every intent with examples is in the domain and stands for a kind; the others are sent by the service only."""
    assert set(examples) == set(domain["intents"]) - BY_SERVICE_ONLY
    assert set(KIND_OF) == {*domain["intents"], "nlu_fallback"}
    assert set(domain["intents"]) >= INTERRUPTS


def test_rules_use_what_the_domain_has(domain: dict[str, Any]) -> None:
    """Each intent and action of the rules is in the domain, and each intent is served by a rule."""
    steps = [step for rule in loaded(PROJECT_ROOT / "bot" / "rules.yml")["rules"] for step in rule["steps"]]
    intents = {step["intent"] for step in steps if "intent" in step}
    actions = {step["action"] for step in steps if "action" in step}
    assert intents == {*domain["intents"], "nlu_fallback"}
    assert actions <= {*domain["actions"], *domain["forms"]}


def test_what_interrupts_a_report_has_a_rule_inside_it() -> None:
    """Each interruption has a rule that serves it and goes on with the form."""
    rules = loaded(PROJECT_ROOT / "bot" / "rules.yml")["rules"]
    inside = {rule["steps"][0].get("intent") for rule in rules if rule.get("condition") and "intent" in rule["steps"][0]}
    assert inside == INTERRUPTS


def test_an_example_has_one_intent(examples: dict[str, list[str]]) -> None:
    """No example stands under two intents, in any spelling, or twice in the same words."""
    counted = Counter(normalised for texts in examples.values() for normalised in {normalise(text) for text in texts})
    assert [text for text, count in counted.items() if count > 1] == []
    assert [text for text, count in Counter(text for texts in examples.values() for text in texts).items() if count > 1] == []


def test_examples_are_ready_to_be_read(examples: dict[str, list[str]]) -> None:
    """Each intent has a handful of examples, none with markup of entities or characters that cleaning would drop."""
    for intent, texts in examples.items():
        assert len(texts) >= 10, intent
        assert [text for text in texts if not clean(text, 1000) or re.search(r"\][({]", text)] == [], intent


def test_the_lexicon_of_danger_hits_no_other_intent(examples: dict[str, list[str]]) -> None:
    """No wording of danger is found in an example of an everyday intent."""
    check = UrgentCheck(LEXICON, FakeIntents(), FakeEncoder())
    hit = [(intent, text, check.by_words(text)) for intent, texts in examples.items() if intent != "urgent" for text in texts]
    assert [one for one in hit if one[2]] == []


# --- sheets ---


def test_all_sheets_parse(sheets: list[Sheet]) -> None:
    """Every published sheet is read, and each is a topic of the list."""
    assert len(sheets) == len(list((PROJECT_ROOT / "knowledge_base" / "sheets").glob("*/*.md"))) > 0
    assert {sheet.id for sheet in sheets} <= set(loaded(TOPICS))


def test_every_asked_as_line_leads_to_one_section(sheets: list[Sheet]) -> None:
    """No question stands under two sections, in any spelling."""
    places: dict[str, list[str]] = {}
    for sheet in sheets:
        for section in sheet.sections:
            for text in section.asked:
                places.setdefault(normalise(text), []).append(f"{sheet.region}/{sheet.id}#{section.key}")
    assert {text: where for text, where in places.items() if len(where) > 1} == {}


def test_first_bubbles_are_short(sheets: list[Sheet]) -> None:
    """No short answer is longer than a bubble of 80 characters."""
    assert SHORT_LIMIT == FIRST_BUBBLE
    assert [(sheet.id, section.key) for sheet in sheets for section in sheet.sections if len(section.short) > FIRST_BUBBLE] == []


def test_sections_are_plain_text(sheets: list[Sheet]) -> None:
    """Short answers have no markup, and bold in bodies is closed."""
    for sheet in sheets:
        for section in sheet.sections:
            assert not re.search(r"[*<>#\[\]]", section.short), (sheet.id, section.key)
            assert section.body.count("**") % 2 == 0, (sheet.id, section.key)


def test_topics_are_complete() -> None:
    """Each topic has a title and words, and its stand-in is a topic too."""
    topics = loaded(TOPICS)
    for name, topic in topics.items():
        assert topic["title"], name
        assert topic["words"], name
        assert topic.get("instead", name) in topics, name


# --- labelled messages ---


def test_labels_are_legal(rows: list[dict[str, Any]]) -> None:
    """Each labelled message has a kind, topics and an aspect that exist."""
    assert len(load_items(MESSAGES)) == len(rows) > 100
    topics = set(loaded(TOPICS))
    for row in rows:
        assert row["kind"] in KIND_OF.values(), row["id"]
        assert set(row.get("topics") or []) <= topics, row["id"]
        assert row.get("aspect") in (None, *ASPECTS), row["id"]
        assert isinstance(row.get("context") or [], list), row["id"]


def test_labelled_messages_are_their_own(rows: list[dict[str, Any]]) -> None:
    """Ids and texts stand once, and every kind that a villager may send is measured."""
    assert [key for key, count in Counter(row["id"] for row in rows).items() if count > 1] == []
    assert [key for key, count in Counter(normalise(row["text"]) for row in rows).items() if count > 1] == []
    assert {row["kind"] for row in rows} == set(KIND_OF.values())


def test_a_follow_up_has_its_context(rows: list[dict[str, Any]]) -> None:
    """A message that needs the one before it brings it along."""
    assert [row["id"] for row in rows if row["kind"] == "followup" and not row.get("context")] == []


def test_nothing_that_is_measured_was_learnt(
    rows: list[dict[str, Any]], sheets: list[Sheet], examples: dict[str, list[str]]
) -> None:
    """No labelled message stands among the asked-as lines or the NLU examples, but for commands that have one wording."""
    commands = {"human", "optout", "optin", "chitchat"}  # 转人工, 退订, 在吗
    learnt = {normalise(text) for sheet in sheets for section in sheet.sections for text in section.asked}
    learnt |= {normalise(text) for texts in examples.values() for text in texts}
    assert [row["id"] for row in rows if row["kind"] not in commands and normalise(row["text"]) in learnt] == []
