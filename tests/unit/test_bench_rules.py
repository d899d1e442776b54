"""`journeys bench rules` compares forms that agree, and says what it measured."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from journey_pipelines.bench.rule_cases import Case, make_cases, make_frame, many_rules
from journey_pipelines.cli.program import journeys
from journey_pipelines.rules import compile_rule, masks

FRAME, ORDERS = make_frame(2_000)


@pytest.mark.parametrize("case", make_cases(FRAME, ORDERS), ids=lambda case: case.name)
def test_a_rule_and_its_hand_written_form_agree(case: Case) -> None:
    assert np.array_equal(compile_rule(case.rule).mask(FRAME), case.by_hand())


def test_no_case_is_trivial() -> None:
    shares = [case.by_hand().mean() for case in make_cases(FRAME, ORDERS)]
    assert all(0.05 < share < 0.95 for share in shares)


def test_the_many_rules_are_different_and_agree_together() -> None:
    rules = [compile_rule(rule) for rule in many_rules(12)]
    assert len({rule.fingerprint for rule in rules}) == 12
    assert all(map(np.array_equal, masks(rules, FRAME), [rule.mask(FRAME) for rule in rules]))


def test_the_command_gives_one_json_document() -> None:
    done = CliRunner().invoke(journeys, ["bench", "rules", "--rows", "300", "--json"])
    found = json.loads(done.stdout)
    assert found["rows"] == 300
    assert [case["against"] for case in found["cases"]] == ["numpy", "pandas", "flattened numpy"]
    assert all(case["ratio_bound"] > 0 for case in found["cases"])
    assert found["peak_extra_bytes_per_row"] > 0
