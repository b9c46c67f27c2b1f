"""A small pre-check that tests share, as a sheet's front matter declares it."""

from __future__ import annotations

from typing import Any

import yaml

from knowledge_base.criteria import Criteria, parse_criteria

CRITERIA = """\
criteria:
  year: 2024
  place: 广西
  figures:
    - {id: line, name: 收入线, unit: 元/人·年, value: 8000, source: "[已核 S02 2024 桂]"}
  questions:
    - {id: rural, text: 您家是农村户口吗？, why: 按户口来认。, type: yesno}
    - {id: people, text: 几口人？, why: 算人均。, type: number, unit: 口人, min: 1, max: 20}
    - {id: income, text: 一年进账多少元？, why: 算人均。, type: number, unit: 元, min: 0, max: 1000000}
    - id: trouble
      text: 有哪样难处？
      why: 要有难处。
      type: choice
      options: {ill: 大病, house: 房子不安全, none: 都没有}
  rules:
    - when: rural && trouble != 'none' && income / people <= line
      points: likely
      reason: 有难处，人均收入在{line}元以内。
      clause: 明白纸第一条
      check: 上门看。
      year: 2024
      source: "[已核 S02 2024 桂]"
    - when: trouble == 'none'
      points: unlikely
      reason: 没有难处的，多半不是。
      clause: 明白纸第二条
      check: 问清难处。
      year: 2024
      source: "[已核 S02 2024 桂]"
    - when: trouble == 'ill' && income / people > line
      points: unsure
      reason: 收入过了线，又有大病。
      clause: 明白纸第三条
      check: 看票据。
      year: 2023
      source: "[已核 S05]"
"""


def raw() -> dict[str, Any]:
    """The criteria as YAML gives them, fresh for each test."""
    return dict(yaml.safe_load(CRITERIA)["criteria"])


def criteria() -> Criteria:
    """The criteria, parsed."""
    return parse_criteria(raw())
