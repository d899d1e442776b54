"""The columns of a chunk: as claimed until they are written, in any order of rows."""

import numpy as np
import pandas as pd
import pytest

from journey_pipelines.engine.columns import Columns
from journey_pipelines.engine.frames import EXECUTIONS, conform


def three() -> Columns:
    rows = {"execution_id": ["a", "b", "c"], "journey_version": 1, "entry_number": 1, "visit": [1, 2, 3]}
    return Columns(conform(pd.DataFrame(rows), EXECUTIONS))


@pytest.mark.parametrize("rows", [[0, 1, 2], [2, 0, 1], [1], [0, 0, 2]])
def test_cells_come_in_the_order_that_is_asked_for(rows: list[int]) -> None:
    columns = three()
    assert list(columns.cells("execution_id", np.array(rows))) == ["abc"[row] for row in rows]


def test_cells_are_those_that_were_written_last() -> None:
    columns = three()
    columns["visit"][[0, 2]] = 7
    assert list(columns.cells("visit", np.array([2, 1, 0]))) == [7, 2, 7]
