"""Frames that were put together from parts, of which some had no rows."""

import pandas as pd

from journey_pipelines.engine.frames import TEXT
from journey_pipelines.store.postgres.rows import to_csv


def test_an_empty_part_of_a_concatenated_frame_leaves_no_trace() -> None:
    nobody = pd.DataFrame({"id": pd.Series([], dtype="str")})
    two = pd.DataFrame({"id": pd.Series(["a", "b"], dtype="str")})
    together = pd.concat([nobody, two], ignore_index=True)
    assert to_csv(together, {"id": TEXT}, table="ids") == b'"0","a"\n"1","b"\n'
