"""How fast rules are over columns: against array code by hand, and against evaluators that go row by row."""

import json
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from journey_pipelines.bench.costs import BenchmarkError
from journey_pipelines.bench.rule_cases import NUMERIC, SIX_TERMS, Case, make_cases, make_frame, many_rules
from journey_pipelines.rules import Rule, compile_rule, masks

ROUNDS: Final = 9
MOST_ROWS_ONE_BY_ONE: Final = 20_000
RULES_ON_ONE_FRAME: Final = 60

Timed = Mapping[str, Callable[[], object]]


@dataclass(frozen=True)
class OneByOne:
    """Another evaluator: what it makes of a rule, and the form of a document that it wants."""

    name: str
    evaluate: Callable[[Any, list[Any]], Callable[[], list[Any]]]


def measure(rows: int) -> dict[str, Any]:
    """Everything, as one JSON document: seconds are the best of several interleaved rounds, ratios are of those."""
    frame, orders = make_frame(rows)
    cases = make_cases(frame, orders)
    documents = _documents(frame.head(min(rows, MOST_ROWS_ONE_BY_ONE)))
    return {
        "rows": rows,
        "rounds": ROUNDS,
        "one_by_one_rows": len(documents),
        "one_by_one": [other.name for other in one_by_one()],
        "cases": [_measure_case(case, frame, documents) for case in cases],
        "many_rules": _measure_many(frame),
        "peak_extra_bytes_per_row": _peak_bytes(compile_rule(SIX_TERMS), frame) / rows,
    }


def best_of(timed: Timed, rounds: int = ROUNDS) -> dict[str, float]:
    """Seconds of each, the best of rounds in which they take turns."""
    best = dict.fromkeys(timed, float("inf"))
    for _ in range(rounds):
        for name, run in timed.items():
            started = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - started)
    return best


def _measure_case(case: Case, frame: pd.DataFrame, documents: list[dict[str, Any]]) -> dict[str, Any]:
    rule = compile_rule(case.rule)
    bound = rule.bind(frame)
    if not np.array_equal(rule.mask(bound), case.by_hand()):
        raise BenchmarkError(f"rule {case.name!r} and its hand-written form disagree; one of them has a fault")
    seconds = best_of(
        {
            "bound": lambda: rule.mask(bound),
            "by_hand": case.by_hand,
            "cold": lambda: rule.mask(frame),
            "end_to_end": lambda: compile_rule(case.rule).mask(frame),
        }
    )
    return {
        "name": case.name,
        "against": case.against,
        "seconds": seconds,
        "ratio_bound": seconds["bound"] / seconds["by_hand"],
        "ratio_cold": seconds["cold"] / seconds["by_hand"],
        "rows_per_second": len(frame) / seconds["bound"],
        "faster_than": _faster_than(case, frame, documents, seconds),
    }


def _faster_than(
    case: Case, frame: pd.DataFrame, documents: list[dict[str, Any]], seconds: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Rows per second as a multiple of each other evaluator's: evaluation only, and from the frame to the answers."""
    part = frame.head(len(documents))
    wanted = compile_rule(case.rule).mask(part).tolist()
    found: dict[str, dict[str, float]] = {}
    for other in one_by_one():
        run = other.evaluate(case.rule, documents)
        agreeing = sum(bool(one) == two for one, two in zip(run(), wanted, strict=True)) / len(documents)
        # an evaluator of documents has to be given some, made from the frame
        its = best_of({"run": run, "all": partial(_from_frame, other, case.rule, part)}, rounds=3)
        per_row = {name: value / len(documents) for name, value in its.items()}
        found[other.name] = {
            "bound": per_row["run"] * len(frame) / seconds["bound"],
            "cold": per_row["all"] * len(frame) / seconds["cold"],
            "cold_against_its_bound": per_row["run"] * len(frame) / seconds["cold"],
            "end_to_end": per_row["all"] * len(frame) / seconds["end_to_end"],
            "agreement": agreeing,
        }
    return found


def _from_frame(other: OneByOne, rule: Any, frame: pd.DataFrame) -> list[Any]:
    return other.evaluate(rule, _documents(frame))()


def one_by_one() -> list[OneByOne]:
    """The evaluators of single documents that are installed (the extra `bench`)."""
    known = {"datalogic_py": OneByOne("datalogic-py", _datalogic), "json_logic": OneByOne("panzi-json-logic", _panzi)}
    return [other for module, other in known.items() if find_spec(module) is not None]


def _datalogic(rule: Any, documents: list[Any]) -> Callable[[], list[Any]]:
    module = import_module("datalogic_py")
    engine = module.Engine()
    compiled, session = engine.compile(json.dumps(rule)), engine.session()
    handles = [module.DataHandle(json.dumps(document)) for document in documents]
    return lambda: [session.evaluate_truthy(compiled, handle) for handle in handles]


def _panzi(rule: Any, documents: list[Any]) -> Callable[[], list[Any]]:
    apply = import_module("json_logic").jsonLogic
    return lambda: [apply(rule, document) for document in documents]


def _documents(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as nested documents without what is missing, as fast as Python makes them."""
    documents: list[dict[str, Any]] = [{} for _ in range(len(frame))]
    for name in frame.columns:
        outer, _, inner = name.partition(".")
        cells = frame[name].astype(object).tolist()
        for document, cell, is_present in zip(documents, cells, frame[name].notna().tolist(), strict=True):
            if is_present:
                value = cell.tolist() if isinstance(cell, np.ndarray) else cell
                (document.setdefault(outer, {}) if inner else document)[inner or outer] = value
    return documents


def _measure_many(frame: pd.DataFrame) -> dict[str, float]:
    rules = [compile_rule(rule) for rule in many_rules(RULES_ON_ONE_FRAME)]
    bound = rules[0].bind(frame)
    single = compile_rule(NUMERIC)
    seconds = best_of(
        {
            "bound": lambda: [rule.mask(bound) for rule in rules],
            "apart": lambda: [rule.mask(frame) for rule in rules],
            "together": lambda: masks(rules, bound),
            "one": lambda: single.mask(bound),
        },
        rounds=3,
    )
    return {
        "rules": float(len(rules)),
        **seconds,
        "ratio_apart": seconds["bound"] / seconds["apart"],
        "ratio_together": seconds["together"] / seconds["bound"],
    }


def _peak_bytes(rule: Rule, frame: pd.DataFrame) -> int:
    """The most memory beyond the frame itself while a rule is bound and evaluated for the first time.

    Arrow's memory is none of Python's and is counted in a pool of its own; both peaks together are an upper bound.
    """
    arrow, before = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
    pa.set_memory_pool(arrow)
    tracemalloc.start()
    try:
        rule.mask(frame)
        return tracemalloc.get_traced_memory()[1] + int(arrow.max_memory())
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)


def figures(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What people read: the rule, against what, and the ratio."""
    for case in found["cases"]:
        yield case["name"], f"{case['against']}, bound", f"{case['ratio_bound']:.2f} of its time"
        yield "", f"{case['against']}, cold", f"{case['ratio_cold']:.2f} of its time"
        for name, faster in case["faster_than"].items():
            for how in ("bound", "cold", "end_to_end"):
                yield "", f"{name}, {how.replace('_', ' ')}", f"{faster[how]:,.0f} times its rows per second"
    many = found["many_rules"]
    yield f"{many['rules']:.0f} rules on one frame", "each on the frame anew", f"{many['ratio_apart']:.2f} of its time"
    yield "", "one after the other on it", f"{many['ratio_together']:.2f} of its time together"
    yield "b: six terms", "peak extra memory", f"{found['peak_extra_bytes_per_row']:.0f} bytes for each row"
