"""Executions between the tables `standing` and `ended` and frames: texts as numbers there, as texts here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from journey_pipelines.engine.frames import EXECUTIONS, TIME, conform
from journey_pipelines.errors import StoreError
from journey_pipelines.store.postgres import arrays
from journey_pipelines.store.postgres.catalogues import Catalogues
from journey_pipelines.store.postgres.partitions import ENDED as ENDED_PARTITIONS
from journey_pipelines.store.postgres.partitions import STANDING as STANDING_PARTITIONS
from journey_pipelines.store.postgres.partitions import Partitioned

STATES: Final = ("NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "FAILED")  # from 1, as in schema.sql
ACTIONS: Final = ("sent", "skipped", "failed", "retry", "deferred", "unknown")
WAYS_IN: Final = ("entry", "manual")
TIMES: Final = ("due_at", "entered_at", "arrived_at", "events_since", "missing_since", "ended_at")
HALF: Final = 32  # bits: two small numbers travel as one
LOWER: Final = (1 << HALF) - 1
NO_DAY: Final = np.iinfo(np.int32).max

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Taken:
    """Rows that a transaction holds, column by column, in the order of the statement `as_arrays`."""

    places: arrays.Places
    relations: Numbers
    entry_no: Numbers
    edition_no: Numbers
    node_no: Numbers
    visit: Numbers
    state: Numbers
    action: Numbers
    entered_via: Numbers
    entry_number: Numbers
    waiting_no: Numbers
    due_at: arrays.Times
    entered_at: arrays.Times
    arrived_at: arrays.Times
    events_since: arrays.Times
    missing_since: arrays.Times
    ended_at: arrays.Times
    execution_id: pa.Array
    customer_id: pa.Array

    def __len__(self) -> int:
        return len(self.entry_no)

    @staticmethod
    def read(raw: Sequence[bytes | None]) -> "Taken":
        """From the values of the one row."""
        if raw[0] is None:
            return Taken.none()
        places = arrays.places(raw[0])
        relations, entry_no, nodes, visits, codes = (arrays.numbers(value, 8) for value in raw[1:6])
        times = [arrays.times(value) for value in raw[6:12]]
        lengths = arrays.numbers(raw[12], 8)
        columns: dict[str, Any] = {
            "relations": relations if len(relations) == len(places) else np.full(len(places), relations[0]),
            "entry_no": entry_no,
            "edition_no": nodes >> HALF,
            "node_no": nodes & LOWER,
            "visit": visits >> HALF,
            "state": codes >> 16 & 0xFF,
            "action": codes >> 8 & 0xFF,
            "entered_via": codes & 0xFF,
            "entry_number": visits & LOWER,
            "waiting_no": codes >> HALF,
        }
        if len(times[-1]) < len(places):
            times[-1] = np.full(len(places), np.datetime64("NaT", "us"))
        texts = [arrays.texts(raw[13], lengths >> HALF), arrays.texts(raw[14], lengths & LOWER)]
        return Taken(places, *columns.values(), *times, *texts)

    @staticmethod
    def none() -> "Taken":
        """No rows."""
        no_numbers: Any = arrays.numbers(None, 8)
        times, texts = arrays.times(None), arrays.texts(None, no_numbers)
        return Taken(arrays.places(None), *[no_numbers] * 10, *[times] * len(TIMES), *[texts] * 2)

    @staticmethod
    def stack(parts: Sequence["Taken"]) -> "Taken":
        """The rows of all parts."""
        if len(parts) == 1:
            return parts[0]
        return Taken(*[_below([getattr(part, field.name) for part in parts]) for field in fields(Taken)])

    def take(self, rows: Numbers) -> "Taken":
        """These rows, by position."""
        columns = [getattr(self, field.name) for field in fields(Taken)]
        return Taken(*[c.take(pa.array(rows)) if isinstance(c, pa.Array) else c[rows] for c in columns])


def _below(columns: Sequence[Any]) -> Any:
    return pa.concat_arrays(columns) if isinstance(columns[0], pa.Array) else np.concatenate(columns)


def to_frame(taken: Taken, catalogues: Catalogues) -> pd.DataFrame:
    """EXECUTIONS of these rows, contexts and endings left empty."""
    labels = catalogues.labels({*np.unique(taken.node_no).tolist(), *np.unique(taken.waiting_no).tolist()} - {0})
    editions = catalogues.editions(np.unique(taken.edition_no).tolist())
    keys = {number: key for number, (key, _) in editions.items()}
    versions = {number: version for number, (_, version) in editions.items()}
    made: dict[str, Any] = {
        "execution_id": text_column(taken.execution_id),
        "journey_key": _looked_up(taken.edition_no, keys),
        "journey_version": pd.Series(taken.edition_no).map(versions).to_numpy(dtype=np.int64),
        "customer_id": text_column(taken.customer_id),
        "entry_number": taken.entry_number.astype(np.int64),
        "entered_via": _looked_up(taken.entered_via, dict(enumerate(WAYS_IN, start=1))),
        "state": _looked_up(taken.state, dict(enumerate(STATES, start=1))),
        "current_node_id": _looked_up(taken.node_no, labels),
        "visit": taken.visit.astype(np.int64),
        "waiting_for": _looked_up(taken.waiting_no, labels),
        "action_status": _looked_up(taken.action, dict(enumerate(ACTIONS, start=1))),
        **{name: pd.Series(getattr(taken, name)).dt.tz_localize("UTC").astype(TIME).array for name in TIMES},
    }
    return conform(pd.DataFrame(made), EXECUTIONS)


def text_column(values: pa.Array) -> Any:
    """The texts as pandas has them."""
    return pd.array(pa.chunked_array([values]), dtype="str")


def _looked_up(numbers: Numbers, names: Mapping[int, str]) -> Any:
    """The name of each number, null where it has none."""
    codes, distinct = pd.factorize(numbers)
    known = pa.array([names.get(int(number)) for number in distinct], type=pa.large_string())
    return text_column(known.take(pa.array(codes)))


@dataclass(frozen=True, eq=False)
class Rows:
    """Executions as the columns of `standing` and `ended` want them."""

    columns: Mapping[str, Any]
    has_ended: npt.NDArray[np.bool_]

    def standing(self) -> bytes:
        """The unfinished ones, for `put_standing`."""
        return self._copied(STANDING, ~self.has_ended)

    def ended(self) -> bytes:
        """The ended ones, for `put_ended`."""
        return self._copied(ENDED_COLUMNS, self.has_ended)

    def _copied(self, names: Iterable[str], mask: npt.NDArray[np.bool_]) -> bytes:
        columns = [self.columns[name] for name in names]
        if not mask.all():
            columns = [c.filter(pa.array(mask)) if isinstance(c, pa.Array) else c[mask] for c in columns]
        return arrays.copy_bytes(columns)


STANDING: Final = (
    *("entry_no", "bucket", "edition_no", "node_no", "visit", "state", "action", "entered_via", "entry_number"),
    *("waiting_no", "due_at", "entered_at", "arrived_at", "events_since", "missing_since"),
    *("execution_id", "customer_id"),
)
ENDED_COLUMNS: Final = (
    *("entry_no", "edition_no", "node_no", "visit", "state", "action", "entered_via", "entry_number"),
    *("waiting_no", "due_at", "entered_at", "arrived_at", "events_since", "missing_since", "ended_at"),
    *("execution_id", "customer_id", "outcome", "failure", "day"),
)


def from_frame(frame: pd.DataFrame, entry_nos: Numbers, catalogues: Catalogues) -> Rows:
    """EXECUTIONS with the number of each, ready to be written.

    Raises StoreError for a state, way in or action status that is none.
    """
    moments = {name: arrays.instants(frame[name]) for name in TIMES}
    state = _codes(frame, "state", STATES)
    action = _codes(frame, "action_status", ACTIONS)
    columns: dict[str, Any] = {
        "entry_no": entry_nos.astype(np.int64),
        "edition_no": edition_numbers(frame, catalogues),
        "node_no": _label_numbers(frame["current_node_id"], catalogues),
        "visit": frame["visit"].to_numpy().astype(np.int32),
        "state": state,
        "action": action,
        "entered_via": _codes(frame, "entered_via", WAYS_IN),
        "entry_number": frame["entry_number"].to_numpy().astype(np.int32),
        "waiting_no": _label_numbers(frame["waiting_for"], catalogues),
        **{name: arrays.counts(values) for name, values in moments.items()},
        **{name: text_array(frame[name]) for name in ("execution_id", "customer_id", "outcome", "failure")},
    }
    has_ended = state > STATES.index("WAITING") + 1
    is_acting = (action > 0) | (state == STATES.index("IN_PROGRESS") + 1) | np.isnat(moments["due_at"])
    columns["day"] = _partitions(ENDED_PARTITIONS, moments["ended_at"], has_ended, catalogues)
    columns["bucket"] = _buckets(moments["due_at"], is_acting | has_ended, catalogues)
    return Rows(columns, has_ended)


def text_array(column: pd.Series) -> pa.Array:
    """A TEXT column in one piece."""
    array = pa.array(column.array, type=pa.large_string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def edition_numbers(frame: pd.DataFrame, catalogues: Catalogues) -> Numbers:
    """The number of each row's journey version."""
    key_codes, keys = pd.factorize(frame["journey_key"])
    version_codes, versions = pd.factorize(frame["journey_version"])
    pairs, pair = np.unique(key_codes * len(versions) + version_codes, return_inverse=True)
    named = [(str(keys[code // len(versions)]), int(versions[code % len(versions)])) for code in pairs.tolist()]
    numbers = catalogues.edition_nos(named)
    return np.array([numbers[edition] for edition in named], dtype=np.int32)[pair]


def _label_numbers(column: pd.Series, catalogues: Catalogues) -> Numbers:
    """The number of each text; 0 where null."""
    codes, distinct = pd.factorize(column)
    texts = [str(label) for label in distinct]
    numbers = catalogues.label_nos(texts)
    return np.asarray(np.array([*(numbers[text] for text in texts), 0], dtype=np.int32)[codes])


def _codes(frame: pd.DataFrame, name: str, known: Sequence[str]) -> Numbers:
    """Place of each text among those known, from 1; 0 where null."""
    codes, distinct = pd.factorize(frame[name])
    unknown = [value for value in distinct if value not in known]
    if unknown:
        raise StoreError(f"executions have the {name} {unknown[0]!r}; known are {', '.join(known)}")
    return np.asarray(np.array([*(known.index(value) + 1 for value in distinct), 0], dtype=np.int16)[codes])


def _buckets(due_at: arrays.Times, is_acting: npt.NDArray[np.bool_], catalogues: Catalogues) -> Numbers:
    """The day on which a run must look at each row, counted from 2000-01-01."""
    return _partitions(STANDING_PARTITIONS, due_at, ~is_acting, catalogues)


def _partitions(
    table: Partitioned, times: arrays.Times, mask: npt.NDArray[np.bool_], catalogues: Catalogues
) -> Numbers:
    """The date of the partition of each row in the mask; infinite elsewhere."""
    made = np.full(len(times), NO_DAY, dtype=np.int32)
    made[mask] = catalogues.partitions.numbers(table, times[mask])
    return made
