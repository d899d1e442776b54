"""Vectors of json-logic-js: (rule, data) and its value, with the numbers that JSON lacks tagged, or its error."""

import json
import math
from pathlib import Path
from typing import Any

from journey_pipelines.rules import RuleError, RuleEvaluationError, compile_rule

SAMPLE = Path(__file__).with_name("sample.jsonl")
TAGGED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, "-0": -0.0, "undefined": None}


def read_sample() -> list[dict[str, Any]]:
    return [json.loads(line) for line in SAMPLE.read_text().splitlines()]


def untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if isinstance(value, dict):
        if set(value) == {"$"}:
            return TAGGED[value["$"]]
        return {name: untagged(item) for name, item in value.items() if item != {"$": "undefined"}}
    return value


def is_same(one: Any, other: Any) -> bool:
    """Equal as ECMAScript values: NaN is NaN, minus zero is not zero, 1 is 1.0, True is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        one, other = float(one), float(other)
        return (one == other and math.copysign(1, one) == math.copysign(1, other)) or (one != one and other != other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[name], other[name]) for name in one)
    return type(one) is type(other) and one == other


def differs(vector: dict[str, Any]) -> str:
    """How our scalar evaluator differs from the vector; empty where it agrees."""
    try:
        found = compile_rule(vector["rule"], lenient=True).scalar(vector["data"])
    except (RuleError, RuleEvaluationError) as error:
        return "" if "error" in vector else f"{vector}: raised {error!r}"
    if "error" in vector:
        return f"{vector}: gave {found!r}"
    return "" if is_same(found, untagged(vector["value"])) else f"{vector}: gave {found!r}"
