"""The one home of the frames' columns: names, dtypes, meaning; every store and every caller keeps to them.

Times are `datetime64[us, UTC]` (NaT is null), labels pandas `str` (NaN is null), JSON values Python dicts in `object`
columns. Frames have a RangeIndex that carries no meaning.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from journey_pipelines.engine.instants import to_instants

TIME: Final = "datetime64[us, UTC]"
TEXT: Final = "str"
INT: Final = "int64"
BOOL: Final = "bool"
JSON: Final = "object"

EXECUTIONS: Final[Mapping[str, str]] = {
    "execution_id": TEXT,  # a hash of (journey key, customer, entry number), written as a UUID
    "journey_key": TEXT,
    "journey_version": INT,
    "customer_id": TEXT,
    "entry_number": INT,  # 1 for the customer's first entry into this journey, whatever the version
    "entered_via": TEXT,  # "entry" (segment or rules) or "manual"
    "state": TEXT,  # NOT_STARTED | IN_PROGRESS | WAITING | COMPLETED | FAILED
    "current_node_id": TEXT,
    "visit": INT,  # number of the current visit of the current node, from 1
    "visits": JSON,  # for nodes on a cycle: id -> visits so far, id@ -> as_of of the run that left it last; usually {}
    # ... and id! for actions that were passed on another version and are never requested again
    "context": JSON,  # start data, `event`, `action_result_<node>`
    "due_at": TIME,  # when it wants to be looked at next; null: when a result or an event comes
    "entered_at": TIME,
    "arrived_at": TIME,  # when it reached the current node
    "ended_at": TIME,
    "waiting_for": TEXT,  # type of the event that would end the wait, or null
    "events_since": TIME,  # events that occurred after this instant count for that wait, or null
    # at an action: sent | skipped | failed (result known), retry | deferred | unknown, or null while it is out
    "action_status": TEXT,
    "missing_since": TIME,  # first run that found no row of the customer in the feature snapshot, or null
    "outcome": TEXT,  # end node's id | exit_rule | goal | cancelled | migrated
    "failure": TEXT,  # "code: sentence"
}

TRANSITIONS: Final[Mapping[str, str]] = {
    "execution_id": TEXT,
    "journey_key": TEXT,
    "journey_version": INT,
    "customer_id": TEXT,
    "node_id": TEXT,
    "visit": INT,
    "branch": TEXT,  # the way out that was taken; null where there is one
    "at": TIME,
    "run_id": TEXT,
    "run_as_of": TIME,
    "snapshot_id": TEXT,  # the feature snapshot that decided
    "fingerprint": TEXT,  # of the rule that decided, or null
}

DISPATCHES: Final[Mapping[str, str]] = {
    "key": TEXT,  # execution:node:visit, unique for ever
    "execution_id": TEXT,
    "journey_key": TEXT,
    "journey_version": INT,
    "customer_id": TEXT,
    "node_id": TEXT,
    "visit": INT,
    "action_type": TEXT,
    "priority": INT,  # of the journey; the higher goes first
    "status": TEXT,  # pending | sending | sent | failed | skipped | retry | unknown
    "attempt": INT,  # attempts so far that reached the deliverer
    "payload": JSON,  # what is sent, rendered; {} until it leaves
    "requested_at": TIME,  # as_of of the run that brought the execution to the action
    "due_at": TIME,  # the due time that led here: decides staleness
    "next_at": TIME,  # earliest time of the next try (deferral, retry, settlement), or null: at once
    "left_at": TIME,  # as_of of the last try, or null
    "settled_at": TIME,  # as_of of the run that knew the final status, or null
    "reason": TEXT,  # why it was skipped or failed, or null
    "result": JSON,  # action_result of the node, or {} while unknown
    "run_id": TEXT,
    "snapshot_id": TEXT,
}

EVENTS: Final[Mapping[str, str]] = {
    "event_id": TEXT,
    "customer_id": TEXT,
    "event_type": TEXT,
    "occurred_at": TIME,
    "received_at": TIME,
    "data": JSON,
    "is_used": BOOL,  # it ended a wait or met a goal; an event that came too late stays unused
}

STARTS: Final[Mapping[str, str]] = {
    "start_id": TEXT,
    "journey_key": TEXT,
    "customer_id": TEXT,
    "at": TIME,
    "context": JSON,
    "status": TEXT,  # waiting | entered | refused
    "reason": TEXT,  # why it was refused, or null
}

POINTS_TRANSACTIONS: Final[Mapping[str, str]] = {
    "dispatch_key": TEXT,  # unique: an award happens once
    "customer_id": TEXT,
    "program_id": INT,
    "points": INT,
    "reason": TEXT,
    "at": TIME,
    "balance_after": INT,
}

CAMPAIGN_EXECUTIONS: Final[Mapping[str, str]] = {
    "dispatch_key": TEXT,
    "campaign_id": INT,
    "customer_id": TEXT,
    "channel": TEXT,
    "at": TIME,
}


LOYALTY_ACCOUNTS: Final[Mapping[str, str]] = {
    "customer_id": TEXT,
    "program_id": INT,
    "points_balance": INT,
}

CAMPAIGNS: Final[Mapping[str, str]] = {
    "campaign_id": INT,
    "name": TEXT,
    "channel": TEXT,  # or null: any
}

SUPPRESSIONS: Final[Mapping[str, str]] = {
    "channel": TEXT,
    "address": TEXT,
    "reason": TEXT,
    "purpose": TEXT,  # all | marketing; null: all
}

RECEIPTS: Final[Mapping[str, str]] = {
    "provider": TEXT,
    "event_id": TEXT,
    "dispatch_key": TEXT,  # or null: of a message that is none of ours
    "outcome": TEXT,  # accepted | delivered | failed | complained | unsubscribed
    "reason": TEXT,
    "at": TIME,
    "is_applied": BOOL,
}

RUNS: Final[Mapping[str, str]] = {
    "run_id": TEXT,
    "as_of": TIME,
    "mode": TEXT,  # live | replay
    "kind": TEXT,  # run | advance | dispatch | entries
    "dagster_run_id": TEXT,
    "is_closed": BOOL,
    "summary": JSON,  # figures of a closed run
}

HOLDS: Final[Mapping[str, str]] = {
    "run_id": TEXT,
    "journey_key": TEXT,
    "as_of": TIME,
    "reason": TEXT,
    "features_id": TEXT,
    "features_rows": INT,
    "segments": JSON,  # name -> [snapshot id, rows]
    "approved_at": TIME,
}

SNAPSHOTS: Final[Mapping[str, str]] = {
    "snapshot_id": TEXT,
    "kind": TEXT,  # features | segment | profiles
    "name": TEXT,  # of the segment; else as kind
    "snapshot_date": TIME,  # midnight UTC of its date
    "rows": INT,
}


def empty(columns: Mapping[str, str]) -> pd.DataFrame:
    """A frame of the given shape without rows."""
    return _empty(tuple(columns.items())).copy()


@cache
def _empty(columns: tuple[tuple[str, str], ...]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in columns})


def executions_of_keys(keys: pd.Index) -> pd.Index:
    """The execution of each dispatch key (execution:node:visit), in order.

    >>> list(executions_of_keys(pd.Index(["6f96:hello:1"])))
    ['6f96']
    """
    return pd.Index(pd.Series(keys, dtype=TEXT).str.split(":", n=1).str[0].astype(TEXT))


def conform(frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """The frame with exactly these columns, in this order and of these dtypes; a missing column is null in every row.

    Index becomes a RangeIndex. Raises KeyError for a missing column that cannot be null.
    """
    if _conforms(frame, columns):
        return frame.reset_index(drop=True)
    size = len(frame)
    made = {name: _column(frame, name, dtype, size) for name, dtype in columns.items()}
    return pd.DataFrame(made, index=pd.RangeIndex(size))


def _conforms(frame: pd.DataFrame, columns: Mapping[str, str]) -> bool:
    """Whether there is nothing but the index to change, as with most frames that come from another of our functions."""
    if frame.columns.tolist() != list(columns):
        return False
    dtypes = frame.dtypes.tolist()
    return all(map(operator.eq, dtypes, _dtypes(tuple(columns.values()))))


@cache
def _dtypes(names: tuple[str, ...]) -> list[Any]:
    # pandas compares texts with the name of their dtype, whatever holds them
    return [name if name == TEXT else pd.api.types.pandas_dtype(name) for name in names]


def _column(frame: pd.DataFrame, name: str, dtype: str, size: int) -> Any:
    if name in frame:
        values = frame[name]
        if values.dtype == dtype:
            return values.array
        if dtype == TIME and values.isna().all():
            return pd.array([None] * size, dtype=dtype)  # pandas gives a column of NaT no zone
        return values.astype(dtype).array
    if dtype == TEXT:
        return pd.array(pa.chunked_array([pa.nulls(size, pa.large_string())]), dtype=TEXT)
    if dtype == TIME:
        return pd.Series(np.full(size, "NaT", dtype="datetime64[us]")).dt.tz_localize("UTC").array
    if dtype == JSON:
        return pd.Series([{} for _ in range(size)], dtype=object).array
    raise KeyError(name)


def stack(frames: Iterable[pd.DataFrame], columns: Mapping[str, str]) -> pd.DataFrame:
    """All rows below one another, in order; the empty frame of the shape where there are none."""
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return empty(columns)
    return conform(pd.concat(filled, ignore_index=True) if len(filled) > 1 else filled[0], columns)


def texts_by_code(codes: np.ndarray, texts: Sequence[str | None]) -> Any:
    """A TEXT column of few texts: the one that each code stands for."""
    taken = pa.array(texts, type=pa.large_string()).take(pa.array(codes))
    return pd.array(pa.chunked_array([taken]), dtype=TEXT)


def few_texts(values: np.ndarray) -> Any:
    """A TEXT column of objects that are texts, mostly the same ones, or None."""
    codes, distinct = pd.factorize(values)
    return texts_by_code(np.where(codes < 0, len(distinct), codes), [*distinct, None])


def iso_texts(times: pd.Series) -> list[str]:
    """UTC instants as ISO-8601 text, as `datetime.isoformat` writes them: microseconds only where there are some."""
    texts = np.datetime_as_string(to_instants(times))
    return [f"{text.removesuffix('.000000')}+00:00" for text in texts.tolist()]
