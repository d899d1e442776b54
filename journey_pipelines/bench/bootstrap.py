"""Snapshots of more customers than there are: those of some days, with their customers drawn with replacement."""

from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from journey_pipelines.snapshots.parquet import EVENTS, FEATURES, PROFILES, SEGMENTS, SnapshotStore

SEED: Final = 20170301
CUSTOMER: Final = "customer_id"


def drawn(customers: Collection[str], count: int) -> pd.DataFrame:
    """`count` new customers: customer_id, and `drawn_as`, the one whose data each has.

    >>> drawn(["a", "b"], 3)["drawn_as"].isin(["a", "b"]).all()
    np.True_
    """
    known = np.array(sorted(customers), dtype=object)
    base = pd.Series(np.random.default_rng(SEED).choice(known, size=count), dtype="str")
    number = base.groupby(base).cumcount().astype("str")
    return pd.DataFrame({CUSTOMER: base + "-" + number, "drawn_as": base})


def bootstrap(source: Path, target: Path, days: Sequence[date], segments: Sequence[str], count: int) -> None:
    """Write each day's partitions for `count` customers, drawn once from those who have features on the last day.

    What is there of each customer on each day is there of everybody who was drawn as them, events included.
    """
    read, written = SnapshotStore(source), SnapshotStore(target)
    people = drawn(read.read(FEATURES, days[-1]).frame[CUSTOMER].tolist(), count)
    for day in days:
        for kind in (*(f"{SEGMENTS}/{name}" for name in segments), EVENTS, FEATURES, PROFILES):
            frame = read.read(kind, day).frame
            found = people.merge(frame.rename(columns={CUSTOMER: "drawn_as"}), on="drawn_as")
            if kind == EVENTS:
                found["event_id"] = found["event_id"] + ":" + found[CUSTOMER]
            written.write(kind, day, found[frame.columns])
