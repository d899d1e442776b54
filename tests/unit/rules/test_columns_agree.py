"""The column evaluator agrees with the scalar one on random rules over random typed frames."""

from typing import Any, Literal

import pandas as pd
import pytest

from journey_pipelines.rules import RuleEvaluationError, compile_rule
from journey_pipelines.rules.coercion import truthy
from tests.unit.rules.random_frames import documents, random_frame
from tests.unit.rules.random_rules import RandomRules
from tests.unit.rules.reference.vectors import is_same

MISSING: tuple[Literal["absent", "null"], ...] = ("absent", "null")


def answers(rule: Any, frame: pd.DataFrame, missing: Literal["absent", "null"]) -> list[Any] | None:
    """What the scalar evaluator says to each row, or None where it raises for one."""
    try:
        return [compile_rule(rule, lenient=True).scalar(document) for document in documents(frame, missing)]
    except RuleEvaluationError:
        return None


def disagreement(rule: Any, frame: pd.DataFrame, missing: Literal["absent", "null"]) -> str:
    wanted = answers(rule, frame, missing)
    compiled = compile_rule(rule, lenient=True)
    bound = compiled.bind(frame)
    try:
        values, mask = compiled.values(bound, missing), compiled.mask(bound, missing)
    except RuleEvaluationError as error:
        return "" if wanted is None else f"{rule}: raised {error}, wanted {wanted}"
    if wanted is None:
        return f"{rule}: gave {values.tolist()} where the scalar evaluator raises"
    assert values.index.equals(frame.index)
    assert values.dtype == object
    agrees = all(map(is_same, values, wanted)) and mask.tolist() == list(map(truthy, wanted))
    return "" if agrees else f"{rule} ({missing}): gave {values.tolist()} {mask.tolist()}, wanted {wanted}"


def check(seed: int, count: int) -> list[str]:
    rules = RandomRules(seed)
    found: list[str] = []
    for _ in range(count):
        frame = random_frame(rules, rules.random.choice([0, 1, 5, 5]))
        for _ in range(5):
            rule = rules.rule(rules.random.choice([1, 2, 3]))
            found.extend(filter(None, (disagreement(rule, frame, missing) for missing in MISSING)))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_columns_agree_with_documents_on_random_rules_and_frames(seed: int) -> None:
    assert check(seed, 60) == []
