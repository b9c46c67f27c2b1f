"""The steps as data: the file that comes along, and a county's own with what is wrong in it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cadres.case import STATES
from cadres.form import BadForm, answers_of
from cadres.plan import ENDS, OWN, STEPS, load_plan, own_plan
from core.errors import ConfigurationError

TODAY = date(2026, 11, 24)


def test_every_state_has_a_name_for_villagers() -> None:
    """States and steps are the same everywhere."""
    assert set(STATES) == {*STEPS, *ENDS}


def changed(tmp_path: Path, change) -> Path:
    """The file that comes along, changed."""
    raw = yaml.safe_load(OWN.read_text("utf-8"))
    change(raw)
    file = tmp_path / "steps.yml"
    file.write_text(yaml.safe_dump(raw, allow_unicode=True), "utf-8")
    return file


def test_a_county_sets_its_own_limits(tmp_path: Path) -> None:
    """Limits, cap and document of a county's file hold."""

    def change(raw):
        raw["document"], raw["cap"]["days"], raw["steps"][1]["limit"] = "岑防返贫〔2026〕3号", 20, {"days": 5, "kind": "working"}

    plan = load_plan(changed(tmp_path, change))
    assert (plan.document, plan.cap.days, str(plan.step("accepted").limit)) == ("岑防返贫〔2026〕3号", 20, "5个工作日")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda raw: raw.update(document=" "), "document"),
        (lambda raw: raw["steps"].pop(2), "in this order"),
        (lambda raw: raw["steps"][0].update(limit={"days": 0}), "at least one day"),
        (lambda raw: raw["steps"][0].update(roles=["mayor"]), "mayor"),
        (lambda raw: raw["steps"][0].update(level=7), "level"),
        (lambda raw: raw["steps"][0].update(next="checking"), "after reported comes accepted"),
        (lambda raw: raw["steps"][5].update(next_by={"field": "decision", "admit": "recording"}), "leads somewhere"),
        (lambda raw: raw["steps"][1]["fields"][0].update(type="photo"), "photo"),
        (lambda raw: raw.pop("cap"), "cap"),
        (lambda raw: raw.update(pauses=[]), "pause"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, change, said: str) -> None:
    """Whatever does not fit is refused with its reason, not at the first case."""
    with pytest.raises(ConfigurationError, match=said):
        load_plan(changed(tmp_path, change))


@given(
    st.sampled_from(own_plan().steps),
    st.dictionaries(st.sampled_from(["visited_on", "people", "risk", "decision", "kind"]), st.text()),
)
def test_any_text_may_be_typed(step, typed: dict[str, str]) -> None:
    """A form gives answers for its own fields or says which are bad; nothing else."""
    try:
        answers = answers_of(step.fields, typed, TODAY)
    except BadForm as bad:
        assert set(bad.errors) <= {field.name for field in step.fields}
    else:
        assert set(answers) <= {field.name for field in step.fields}


@pytest.mark.parametrize("value", ["", "2026-11-25", "2025-01-01", "24.11.2026", "明天", "2026-02-30"])
def test_a_visit_is_on_a_day_that_was(value: str) -> None:
    """No future, no ancient day, no nonsense."""
    field = own_plan().step("accepted").fields[0]
    with pytest.raises(BadForm):
        answers_of((field,), {"visited_on": value}, TODAY)
