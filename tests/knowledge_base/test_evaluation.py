"""The metrics over labelled messages."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge_base.evaluation import BadLabels, Item, Outcome, Report, load_items, measure

SHEETS = {"dibao", "medical"}


def item(kind: str = "policy", topics: list[str] | None = None, aspect: str | None = None) -> Item:
    """A labelled message."""
    return Item("t1", "低保怎么办", kind, ["dibao"] if topics is None else topics, aspect, [])


def outcome(labelled: Item, *sources: str, kind: str = "policy", urgent: bool = False, seconds: float = 0.01) -> Outcome:
    """What was made of a message; sources as «sheet/aspect»."""
    found = [(source.partition("/")[0], source.partition("/")[2]) for source in sources]
    return Outcome(labelled, kind, found, urgent, seconds)


def value(name: str, *outcomes: Outcome) -> tuple[float, int] | None:
    """One metric over some outcomes."""
    return measure(list(outcomes), SHEETS).metrics.get(name)


def test_the_right_sheet_first_or_among_three() -> None:
    """answer@1 wants the first source right, answer@3 one of the first three."""
    outcomes = [
        outcome(item(), "dibao"), outcome(item(), "medical", "x", "dibao"), outcome(item(), "x", "y", "z", "dibao"),
        outcome(item()),
    ]  # fmt: skip
    assert value("answer@1", *outcomes) == (0.25, 4)
    assert value("answer@3", *outcomes) == (0.5, 4)


def test_the_best_topic_is_the_first_label() -> None:
    """A second label is right for answer@1 and wrong for best_topic@1."""
    second = outcome(item(topics=["dibao", "medical"]), "medical")
    assert (value("answer@1", second), value("best_topic@1", second)) == ((1.0, 1), (0.0, 1))


def test_the_aspect_counts_where_the_sheet_was_right() -> None:
    """aspect@1 is measured among right sheets with a labelled aspect only."""
    outcomes = [
        outcome(item(aspect="how"), "dibao/how"), outcome(item(aspect="how"), "dibao/time"),
        outcome(item(aspect="how"), "medical/how"), outcome(item(), "dibao/how"),
    ]  # fmt: skip
    assert value("aspect@1", *outcomes) == (0.5, 2)


def test_topics_without_a_sheet_can_only_be_declined() -> None:
    """A question whose topic has no sheet counts as declined, not as answered."""
    outcomes = [outcome(item(topics=["tekun"])), outcome(item(topics=["tekun"]), "dibao")]
    assert value("declined_no_sheet", *outcomes) == (0.5, 2)
    assert value("answer@1", *outcomes) is None


def test_what_is_out_of_scope_must_have_no_source() -> None:
    """Declining is right for what no sheet answers."""
    outcomes = [outcome(item("oos", []), kind="oos"), outcome(item("oos", []), "dibao")]
    assert value("declined", *outcomes) == (0.5, 2)


def test_danger_is_measured_both_ways() -> None:
    """Recall is over labelled danger, precision over what raised an alarm."""
    outcomes = [
        outcome(item("urgent", []), kind="urgent", urgent=True), outcome(item("urgent", [])), outcome(item("urgent", [])),
        outcome(item(), urgent=True),
    ]  # fmt: skip
    assert value("urgent_recall", *outcomes) == (pytest.approx(1 / 3), 3)
    assert value("urgent_precision", *outcomes) == (0.5, 2)


def test_faults_are_counted_as_such() -> None:
    """A policy question declined, a wrong citation and a false alarm count up, and each is listed."""
    outcomes = [
        outcome(item()), outcome(item(), "dibao"), outcome(item(), "medical", urgent=True), outcome(item("oos", []), "dibao"),
    ]  # fmt: skip
    assert value("policy_declined", *outcomes) == (pytest.approx(1 / 3), 3)
    assert value("wrong_citation", *outcomes) == (pytest.approx(2 / 3), 3)
    assert value("false_urgent", *outcomes) == (0.25, 4)
    misses = measure(outcomes, SHEETS).misses
    assert [sum(line.startswith(name) for line in misses) for name in ("policy_declined", "wrong_citation", "false_urgent")] == [
        1,
        2,
        1,
    ]


def test_what_is_said_must_stand_in_the_source() -> None:
    """Only answers that cite are measured, by what their words were found to be."""
    outcomes = [replace(outcome(item(), "dibao"), spoken=found) for found in (True, False, None)]
    assert value("spoken_in_source", *outcomes) == (0.5, 2)


def test_groups_have_their_own_figures() -> None:
    """By style, sheet, aspect and kind the same shares are worked out."""
    voice = replace(item(aspect="how"), style="voice")
    report = measure([outcome(voice, "dibao/how"), outcome(voice, "dibao/time"), outcome(item(), "medical")], SHEETS)
    assert report.by["style"] == {"voice": {"answer@1": (1.0, 2), "aspect@1": (0.5, 2)}}
    assert report.by["sheet"]["dibao"]["answer@1"] == (pytest.approx(2 / 3), 3)
    assert report.by["kind"] == {"policy": {"recall": (1.0, 3)}}
    assert json.loads(json.dumps(report.as_json()))["by"]["style"]["voice"]["aspect@1"] == {"value": 0.5, "items": 2}


def test_macro_f1_weighs_kinds_alike() -> None:
    """A rare kind that is never found halves the figure."""
    outcomes = [outcome(item(), "dibao")] * 9 + [outcome(item("human", []), kind="policy")]
    assert value("kind_f1", *outcomes) == (pytest.approx((18 / 19 + 0) / 2), 10)


def test_kind_and_report_intake() -> None:
    """The kind counts for every item, the intake for reports."""
    outcomes = [
        outcome(item("report", []), kind="report"),
        outcome(item("report", []), kind="policy"),
        outcome(item("human", []), kind="human"),
    ]
    assert value("kind", *outcomes) == (pytest.approx(2 / 3), 3)
    assert value("report_intake", *outcomes) == (0.5, 2)


def test_follow_ups_have_a_metric_of_their_own() -> None:
    """A follow-up counts for followup@1 and not for answer@1."""
    report = measure([outcome(item("followup"), "dibao", kind="followup")], SHEETS)
    assert report.metrics["followup@1"] == (1.0, 1)
    assert "answer@1" not in report.metrics


def test_times_are_percentiles_in_milliseconds() -> None:
    """p50 and p95 are taken from the sorted times."""
    report = measure([outcome(item(), "dibao", seconds=number / 1000) for number in range(100, 0, -1)], SHEETS)
    assert report.metrics["p50_ms"] == (pytest.approx(51), 100)
    assert report.metrics["p95_ms"] == (pytest.approx(96), 100)


def test_every_miss_is_listed() -> None:
    """Each item that a metric counts as wrong has a line with its id and what came."""
    misses = measure([outcome(item(), "medical", kind="oos")], SHEETS).misses
    assert any(line.startswith("answer@1: t1 ") for line in misses)
    assert any(line.startswith("kind: t1 ") for line in misses)


def test_nothing_measured_is_nothing() -> None:
    """Without outcomes there are no metrics and no division by zero."""
    assert measure([], SHEETS).metrics == {}


def test_a_floor_catches_low_and_missing_metrics() -> None:
    """A metric below its floor, one that is missing, and one that is no number are told; one at its floor is not."""
    report = Report({"a": (0.5, 2), "b": (0.49, 2), "c": (math.nan, 0)})
    assert [line.split(":")[0] for line in report.outside({"a": 0.5, "b": 0.5, "c": 0.1, "d": 0.0})] == ["b", "c", "d"]
    most = {"a": {"most": 0.5}, "b": {"most": 0.4}, "d": {"most": 1}}
    assert [line.split(":")[0] for line in report.outside(most)] == ["b", "d"]


def test_the_report_is_json() -> None:
    """Metrics are rounded and come with their number of items."""
    assert json.loads(json.dumps(Report({"a": (1 / 3, 3)}).as_json())) == {"a": {"value": 0.3333, "items": 3}}


def test_items_are_loaded(tmp_path: Path) -> None:
    """Lines become items, what is left out is empty, blank lines are skipped."""
    file = tmp_path / "items.jsonl"
    full = {"id": "b", "text": "二", "kind": "policy", "topics": ["x"], "aspect": "how", "context": ["前"], "style": "plain"}
    file.write_text('{"id": "a", "text": "一", "kind": "oos"}\n\n' + json.dumps(full) + "\n", "utf-8")
    assert load_items(file) == [
        Item("a", "一", "oos", [], None, []), Item("b", "二", "policy", ["x"], "how", ["前"], "plain")
    ]  # fmt: skip


def test_a_text_may_hold_a_line_separator(tmp_path: Path) -> None:
    """Unicode's own line ends inside a text do not cut the item in two."""
    file = tmp_path / "items.jsonl"
    file.write_text(json.dumps({"id": "a", "text": "一\u2028二\u0085三", "kind": "oos"}, ensure_ascii=False), "utf-8")
    assert load_items(file)[0].text == "一\u2028二\u0085三"


@pytest.mark.parametrize("line", ["{", "[]", "5", '"a"', "null", '{"id": "a", "text": "b"}', '{"text": "b", "kind": "oos"}'])
def test_bad_labels_name_their_line(tmp_path: Path, line: str) -> None:
    """A line that is no item is refused with its number."""
    file = tmp_path / "items.jsonl"
    file.write_text('{"id": "a", "text": "一", "kind": "oos"}\n' + line, "utf-8")
    with pytest.raises(BadLabels, match=r"items\.jsonl:2: "):
        load_items(file)
