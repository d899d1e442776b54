"""The column evaluator agrees with the scalar one on random rules over random typed frames."""

import pytest

from journey_pipelines.rules.columns import plans
from tests.unit.rules.agreement import check, check_conditions, check_together


@pytest.mark.parametrize("seed", range(8))
def test_columns_agree_with_documents_on_random_rules_and_frames(seed: int) -> None:
    assert check(seed, 60) == []


@pytest.mark.parametrize("block", [1, 4, 1 << 16])
@pytest.mark.parametrize("seed", range(4))
def test_conditions_agree_whatever_the_size_of_a_block(seed: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "BLOCK", block)
    assert check_conditions(100 * seed + block, 20) == []


@pytest.mark.parametrize("seed", range(4))
def test_rules_evaluated_together_agree_with_each_alone(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "BLOCK", 4)
    assert check_together(seed, 20) == []
