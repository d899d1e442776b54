"""No rule runs long or holds much memory, whatever it and the data are."""

from time import process_time
from typing import Any

import pandas as pd
import pytest

from journey_pipelines.rules import RuleEvaluationError, compile_rule, safe_json_logic

LONG_AGO = 5.0  # seconds; each of these took far longer once


@pytest.fixture(autouse=True)
def _is_soon_done() -> Any:
    start = process_time()
    yield
    assert process_time() - start < LONG_AGO


@pytest.mark.parametrize("digits", ["1", "1.1", "1e1", ".1"])
def test_a_long_text_that_is_almost_a_number_is_soon_read(digits: str) -> None:
    text = digits + "1" * 200_000 + "x"
    assert safe_json_logic({"==": [{"var": "x"}, 1]}, {"x": text}) is False
    assert compile_rule({"==": [{"var": "x"}, 1]}).values(pd.DataFrame({"x": [text, "1"]})).tolist() == [False, True]
