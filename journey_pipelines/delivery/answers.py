"""Answers to dispatches: frames of key, status and result."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from journey_pipelines.engine.frames import JSON, TEXT, empty, stack
from journey_pipelines.errors import DeliveryError

ANSWERS: Final[Mapping[str, str]] = {"key": TEXT, "status": TEXT, "result": JSON}
DEAD_ADDRESSES: Final = "dead_addresses"
"""Key of a result that never reaches the store: {address: reason} of addresses that will never be reached again."""
STATUSES: Final = ("sent", "failed", "retry", "unknown")
FOUND_STATUSES: Final = ("sent", "failed", "retry")  # of a look-up


def answers(
    keys: Iterable[str], status: str | Sequence[str], results: Sequence[Mapping[str, Any]] | None = None
) -> pd.DataFrame:
    """One answer for each key, in order; one status for all or one for each; results default to {}."""
    names = list(keys)
    values = np.empty(len(names), dtype=object)
    values[:] = [{} for _ in names] if results is None else list(map(dict, results))
    statuses = [status] * len(names) if isinstance(status, str) else list(status)
    return pd.DataFrame(
        {"key": pd.array(names, dtype=TEXT), "status": pd.array(statuses, dtype=TEXT), "result": values}
    )


def no_answers() -> pd.DataFrame:
    """No answer at all."""
    return empty(ANSWERS)


def together(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """All answers below one another."""
    return stack(frames, ANSWERS)


def without_dead_addresses(answered: pd.DataFrame) -> pd.DataFrame:
    """The rows with results that name no address."""
    results = np.empty(len(answered), dtype=object)
    results[:] = [
        {name: value for name, value in result.items() if name != DEAD_ADDRESSES}
        if DEAD_ADDRESSES in result
        else result
        for result in answered["result"]
    ]
    return answered.assign(result=results)


def checked(answer: object, keys: pd.Series, *, source: str, statuses: Sequence[str] = STATUSES) -> pd.DataFrame:
    """What `source` answered about the dispatches with these keys, as key, status, result.

    A key without an answer stays without one, an answer without results has empty ones. Raises DeliveryError for
    anything that is not such an answer.
    """
    if not isinstance(answer, pd.DataFrame):
        raise DeliveryError(
            f"{source} returned {type(answer).__name__}; expected a DataFrame with {', '.join(ANSWERS)}"
        )
    if answer.empty and not len(answer.columns):
        return no_answers()  # no records make a frame without columns
    if absent := [name for name in ("key", "status") if name not in answer]:
        raise DeliveryError(
            f"the answer of {source} lacks {_listed(absent)}; expected the columns {', '.join(ANSWERS)}"
        )
    results = _results(answer["result"], source) if "result" in answer else None
    if len(strange := answer["key"][~answer["key"].isin(keys)]):
        raise DeliveryError(
            f"{source} answered for {_listed(strange)}, which it was not given; answer for given keys only"
        )
    if len(twice := answer["key"][answer["key"].duplicated()]):
        raise DeliveryError(f"{source} answered twice for {_listed(twice)}; answer once for each key")
    if len(wrong := answer["status"][~answer["status"].isin(statuses)]):
        raise DeliveryError(f"{source} answered with status {_listed(wrong)}; expected one of {', '.join(statuses)}")
    return answers(answer["key"], answer["status"].tolist(), results)


def _results(results: pd.Series, source: str) -> list[Mapping[str, Any]]:
    is_null = results.isna().to_numpy()
    values = [{} if absent else value for value, absent in zip(results, is_null, strict=True)]
    if wrong := [value for value in values if not isinstance(value, Mapping)]:
        found = type(wrong[0]).__name__
        raise DeliveryError(f"{source} answered with a result that is {found}; expected a dict for each dispatch")
    return values


def _listed(values: Iterable[object]) -> str:
    return ", ".join(f"`{value}`" for value in pd.unique(pd.Series(list(values), dtype=object))[:3])
