"""How the column evaluator differs from the scalar one: `python -m tests.unit.rules.agreement --rules 20000`.

Random rules over random typed frames, under both policies for missing cells and with blocks of several sizes.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pandas as pd

from journey_pipelines.rules import Rule, RuleEvaluationError, compile_rule, masks
from journey_pipelines.rules.coercion import truthy
from journey_pipelines.rules.columns import plans
from tests.unit.rules.random_frames import documents, random_frame
from tests.unit.rules.random_rules import RandomRules
from tests.unit.rules.reference.vectors import is_same

RULES_ON_A_FRAME = 5
BLOCKS = (1, 2, 3, 5, 1 << 16)
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


def check_conditions(seed: int, count: int) -> list[str]:
    """Conditions of the kinds that journeys have, over frames of several blocks."""
    rules = RandomRules(seed)
    found: list[str] = []
    for _ in range(count):
        frame = random_frame(rules, rules.random.choice([0, 1, 3, 7, 20]))
        for _ in range(5):
            rule = rules.condition()
            found.extend(filter(None, (disagreement(rule, frame, missing) for missing in MISSING)))
    return found


def check_together(seed: int, count: int) -> list[Any]:
    """Rules evaluated together of which none does what it does not do alone."""
    rules = RandomRules(seed)
    found: list[Any] = []
    for _ in range(count):
        frame = random_frame(rules, 10)
        parts = [rules.condition(1) for _ in range(4)]
        pairs = [{"and": rules.random.sample(parts, 2)} for _ in range(4)]
        several = [compile_rule(rule, lenient=True) for rule in [*parts, *pairs]]
        alone = [answer_of(rule, frame) for rule in several]
        if None not in alone and [mask.tolist() for mask in masks(several, frame)] != alone:
            found.append([*parts, *pairs])
    return found


def answer_of(rule: Rule, frame: pd.DataFrame) -> list[bool] | None:
    try:
        return list(rule.mask(frame).tolist())
    except RuleEvaluationError:
        return None


def check(seed: int, count: int) -> list[str]:
    rules = RandomRules(seed)
    found: list[str] = []
    for _ in range(count):
        frame = random_frame(rules, rules.random.choice([0, 1, 5, 5]))
        for _ in range(5):
            rule = rules.rule(rules.random.choice([1, 2, 3]))
            found.extend(filter(None, (disagreement(rule, frame, missing) for missing in MISSING)))
    return found


def differences(rules: int, seed: int) -> Iterator[Any]:
    """What differs among so many random rules, and as many conditions, each batch with blocks of another size."""
    frames = -(-rules // RULES_ON_A_FRAME)
    checks: list[Callable[[int, int], list[Any]]] = [check, check_conditions, check_together]
    for batch, start in enumerate(range(0, frames, 50)):
        plans.BLOCK = BLOCKS[batch % len(BLOCKS)]  # type: ignore[misc]  # it is final for everybody else
        for one in checks:
            yield from one(seed + batch, min(50, frames - start))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = list(differences(options.rules, options.seed))
    sys.stdout.write("\n".join(map(str, found[:20])) + f"\n{options.rules} rules, {len(found)} differ\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
