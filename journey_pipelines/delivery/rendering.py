"""Payloads of many dispatches: grouped by node, each variable read once as a column."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from pydantic import BaseModel, ValidationError

from journey_pipelines.delivery.actions.action_type import ActionType
from journey_pipelines.delivery.printing import Column
from journey_pipelines.delivery.sandbox import NoValue
from journey_pipelines.delivery.sendable import faults_of
from journey_pipelines.delivery.texts import Scope, dig
from journey_pipelines.engine.ports import Variables
from journey_pipelines.errors import DeliveryError, TemplateError
from journey_pipelines.journeys.configs import own_config
from journey_pipelines.rules.faults import RuleEvaluationError
from journey_pipelines.rules.json_values import to_json

JSON_TYPES: Final = frozenset({str, int, float, bool, list, dict, type(None)})


@dataclass(frozen=True)
class NodeRows:
    """The rows (positions) of one action node, its type and its validated config; None with a reason if it is wrong."""

    rows: np.ndarray
    action: ActionType
    parameters: BaseModel | None
    fault: str = ""


class Columns:
    """The variables of a frame of dispatches, each read once: objects, with a NoValue where there is no value."""

    def __init__(self, variables: Variables, own: Mapping[str, np.ndarray] | None = None) -> None:
        """`own`: columns of delivery itself, which nothing else can be."""
        self._variables = variables
        self._columns: dict[str, np.ndarray] = dict(own or {})

    def read(self, path: str) -> np.ndarray:
        """One value for each dispatch. Null, absent and blank text are no value; whole floats are integers.

        What can be neither stored nor sent (a NUL, half a surrogate pair, infinity) is no value either, and says so.
        """
        if path not in self._columns:
            self._columns[path] = self._column(path)
        return self._columns[path]

    def scope(self, rows: np.ndarray) -> Scope:
        """What the texts of a node read: the values of its rows."""

        def read(path: str) -> Column:
            values: Column = self.read(path)[rows].tolist()
            return values

        return Scope(len(rows), read)

    def _column(self, path: str) -> np.ndarray:
        keys = path.split(".")
        known = next((at for at, key in enumerate(keys) if key.isdigit()), len(keys))
        found = self._variables.column(".".join(keys[:known]))
        values: np.ndarray = found.to_numpy(dtype=object, copy=True)
        if known < len(keys):
            values[:] = np.array([*(dig(value, keys[known:], path) for value in values), None], dtype=object)[:-1]
        is_foreign = np.array([type(value) not in JSON_TYPES for value in values], dtype=bool)
        values[is_foreign] = np.array([*map(_as_json, values[is_foreign]), None], dtype=object)[:-1]
        is_missing: np.ndarray = pd.isna(values)
        is_text = np.array([type(value) is str for value in values], dtype=bool)
        is_missing[is_text] = [not value.strip() for value in values[is_text]]
        is_whole = np.array([type(value) is float for value in values], dtype=bool) & ~is_missing
        is_whole[is_whole] = [value.is_integer() for value in values[is_whole]]
        values[is_whole] = [int(value) for value in values[is_whole]]
        values[is_missing] = NoValue(path)
        for row, fault in faults_of(values.tolist()).items():
            values[row] = NoValue(path, reason=f"unsendable_value: {path} {fault}")
        return values


def _as_json(value: Any) -> object:
    """A cell of a typed column as it may stand in a payload: as rules read it, and text where they could not."""
    if isinstance(value, NoValue):
        return value
    try:
        return to_json(value)
    except RuleEvaluationError:
        return str(value)


def nodes_of(dispatches: pd.DataFrame, configs: pd.Series, actions: Mapping[str, ActionType]) -> Iterator[NodeRows]:
    """The dispatches by action node. Raises DeliveryError for an action type that is not installed."""
    identities = np.fromiter(map(id, configs), dtype="int64", count=len(configs))
    groups = dispatches.groupby([dispatches["action_type"].to_numpy(), identities], sort=False).indices
    for (action_type, _), rows in groups.items():
        if action_type not in actions:
            known = ", ".join(actions)
            raise DeliveryError(f"action type `{action_type}` is not installed (known: {known}); install its package")
        yield _node(rows, actions[action_type], configs.iloc[rows[0]])


def _node(rows: np.ndarray, action: ActionType, config: Mapping[str, Any]) -> NodeRows:
    try:
        return NodeRows(rows, action, action.parameters.model_validate(own_config(config)))
    except ValidationError as error:
        first = error.errors()[0]
        return NodeRows(rows, action, None, f"wrong_config: {'.'.join(map(str, first['loc']))}: {first['msg']}")


def render(node: NodeRows, rows: np.ndarray, columns: Columns) -> list[dict[str, Any] | NoValue]:
    """The payloads of some rows of a node; a NoValue with its reason where a send must fail."""
    if node.parameters is None:
        return [NoValue("", reason=node.fault)] * len(rows)
    try:
        return list(node.action.render(node.parameters, columns.scope(rows)))
    except TemplateError as error:
        return [NoValue("", reason=f"template_error: {error}")] * len(rows)
