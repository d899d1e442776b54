"""Transitions as paths: what one execution did within one stamp becomes one row that names its whole way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from journey_pipelines.store.postgres import arrays
from journey_pipelines.store.postgres.catalogues import Catalogues, Stamp, Step
from journey_pipelines.store.postgres.partitions import MOVES
from journey_pipelines.store.postgres.standing import edition_numbers, text_array

Numbers = npt.NDArray[Any]
STAMP = ["at", "run_id", "run_as_of", "snapshot_id"]
STEP = ["node_id", "visit", "branch", "fingerprint"]


@dataclass(frozen=True, eq=False)
class Moves:
    """One row for each, in the order of their first transitions."""

    first: Numbers  # row of the first transition
    stamp_no: Numbers
    path_no: Numbers
    day: Numbers  # of the run, or of the moves themselves where no run made them


def to_moves(transitions: pd.DataFrame, catalogues: Catalogues) -> Moves:
    """TRANSITIONS as moves: a move goes on while rows of one execution, stamp and edition follow one another."""
    stamps = _combined(transitions, STAMP)
    edition = edition_numbers(transitions, catalogues)
    steps = _paired(_combined(transitions, STEP), edition)
    is_other_edition = np.diff(edition, prepend=edition[:1]) != 0
    starts = np.flatnonzero(_is_other_execution(transitions) | (np.diff(stamps, prepend=-1) != 0) | is_other_edition)
    sizes = np.diff(starts, append=len(transitions))
    group = np.repeat(np.arange(len(starts)), sizes)
    codes = _path_codes(steps, np.arange(len(transitions)) - starts[group], group, len(starts))
    _, representative, path = np.unique(codes, return_index=True, return_inverse=True)
    ways = [np.arange(starts[one], starts[one] + sizes[one]) for one in representative.tolist()]
    stamp_no = _stamp_numbers(transitions, stamps, catalogues)[starts]
    moments = transitions["run_as_of"].fillna(transitions["at"]).take(starts)
    days = catalogues.partitions.numbers(MOVES, arrays.instants(moments))
    return Moves(starts, stamp_no, _path_numbers(transitions, ways, edition, catalogues)[path], days)


def _is_other_execution(transitions: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Rows whose execution is not that of the row before."""
    ids = text_array(transitions["execution_id"])
    found = np.ones(len(ids), dtype=bool)
    found[1:] = pa.compute.not_equal(ids.slice(1), ids.slice(0, max(len(ids) - 1, 0))).to_numpy(zero_copy_only=False)
    return found


def _path_codes(steps: Numbers, places: Numbers, groups: Numbers, count: int) -> Numbers:
    """A code for each group, equal where their steps are, place by place."""
    codes = np.zeros(count, dtype=np.int64)
    for place in range(int(places.max(initial=-1)) + 1):
        is_here = places == place
        step = np.zeros(count, dtype=np.int64)  # a way that has ended goes on with nothing
        step[groups[is_here]] = steps[is_here] + 1
        codes, _ = pd.factorize(codes * (int(step.max()) + 1) + step)
    return codes


def _combined(frame: pd.DataFrame, names: Sequence[str]) -> Numbers:
    """A code for each row, equal where these columns are."""
    codes = np.zeros(len(frame), dtype=np.int64)
    for name in names:
        found, _ = pd.factorize(frame[name], use_na_sentinel=False)
        codes = _paired(codes, found)
    return codes


def _paired(one: Numbers, other: Numbers) -> Numbers:
    codes, _ = pd.factorize(one.astype(np.int64) * (int(other.max(initial=0)) + 1) + other)
    return np.asarray(codes, dtype=np.int64)


def _stamp_numbers(transitions: pd.DataFrame, stamps: Numbers, catalogues: Catalogues) -> Numbers:
    _, rows = np.unique(stamps, return_index=True)
    named = [_values(values) for values in transitions[STAMP].take(rows).itertuples(index=False)]
    keys: list[Stamp] = [(at, run_id, run_as_of, snapshot_id) for at, run_id, run_as_of, snapshot_id in named]
    numbers = catalogues.stamp_nos(keys)
    return np.array([numbers[key] for key in keys], dtype=np.int32)[stamps]


def _path_numbers(
    transitions: pd.DataFrame, ways: Sequence[Numbers], edition: Numbers, catalogues: Catalogues
) -> Numbers:
    paths = []
    for rows in ways:
        named = [_values(values) for values in transitions[STEP].take(rows).itertuples(index=False)]
        steps: list[Step] = [(node, visit, branch, fingerprint) for node, visit, branch, fingerprint in named]
        paths.append((int(edition[rows[0]]), tuple(steps)))
    numbers = catalogues.path_nos(paths)
    return np.array([numbers[path] for path in paths], dtype=np.int32)


def _values(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Plain Python values, None for null."""
    plain = [value.to_pydatetime() if isinstance(value, pd.Timestamp) else value for value in row]
    return tuple(None if value is pd.NaT or value != value else value for value in plain)
