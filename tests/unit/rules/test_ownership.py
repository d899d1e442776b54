"""Results are the caller's own: changing one changes no frame, cache, rule or other row."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from journey_pipelines.rules import compile_rule


def frame() -> pd.DataFrame:
    arrow = pd.array([[1], [2]], dtype=pd.ArrowDtype(pa.list_(pa.int64())))
    return pd.DataFrame({"arrow": arrow, "l": [[1], [2]], "o": [{"a": [1]}, {"a": [2]}], "n": [None, None]})


@pytest.mark.parametrize(
    "rule",
    [
        *({"var": name} for name in ("arrow", "l", "o", "o.a", "", ["n", [1, 2]])),
        {"if": [True, [1, 2]]},
        {"if": [True, {"a": 1, "b": [2]}]},
        {"missing": ["n", "x"]},
        {"merge": [{"var": "l"}, 1]},
        {"map": [{"var": "l"}, {"var": ""}]},
    ],
    ids=str,
)
def test_a_result_can_be_changed_without_changing_anything_else(rule: Any) -> None:
    compiled, data = compile_rule(rule), frame()
    bound = compiled.bind(data)
    first = compiled.values(bound)
    before = repr(compiled.values(bound).tolist())
    for inner in (first.iloc[0], *(first.iloc[0].values() if isinstance(first.iloc[0], dict) else ())):
        if isinstance(inner, list):
            inner.append(99)
    if isinstance(first.iloc[0], dict):
        first.iloc[0]["new"] = 1
    assert repr(first.iloc[1]) == repr(compiled.values(bound).iloc[1])
    assert repr(compiled.values(bound).tolist()) == before
    assert repr(data.to_dict()) == repr(frame().to_dict())
