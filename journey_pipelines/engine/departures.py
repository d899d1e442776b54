"""What consent and rendering read of dispatches of several journeys at once."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from journey_pipelines.engine import calendar
from journey_pipelines.engine.engine import Pass
from journey_pipelines.engine.frames import TIME
from journey_pipelines.engine.ports import DepartureContext, StoreTransaction
from journey_pipelines.engine.variables import ContextColumns, World
from journey_pipelines.journeys.journey import Journey
from journey_pipelines.journeys.nodes import ActionNode


def departure_context(
    one: Pass, dispatches: pd.DataFrame, executions: pd.DataFrame, transaction: StoreTransaction
) -> DepartureContext:
    """What consent and rendering read, aligned with the dispatches; `executions` are theirs, in the same order."""
    variables = DispatchVariables(dispatches, executions, one.plan.versions, one.world, transaction)
    zones = variables.zones()
    stale_before = pd.Series(pd.NaT, index=dispatches.index, dtype=TIME)
    now = pd.Series(pd.Timestamp(one.run.as_of), index=dispatches.index, dtype=TIME)
    for journey, rows in variables.groups:
        if journey.stale_after is not None:
            aged = calendar.add(now.take(rows), zones.take(rows), -journey.stale_after)
            stale_before.iloc[rows] = aged.array
    return DepartureContext(one.run.as_of, variables, zones, stale_before)


class DispatchVariables:
    """Variables of dispatches of several journeys at once: each journey's columns, put together by row."""

    def __init__(
        self,
        dispatches: pd.DataFrame,
        executions: pd.DataFrame,
        journeys: Mapping[tuple[str, int], Journey],
        world: World,
        transaction: StoreTransaction,
    ) -> None:
        self._dispatches = dispatches
        self._world = world
        self.groups: list[tuple[Journey, np.ndarray]] = []
        self._columns: list[ContextColumns] = []
        keys = dispatches.groupby(["journey_key", "journey_version"], sort=False).indices
        for (key, version), rows in keys.items():
            journey = journeys[(key, version)]
            self.groups.append((journey, rows))
            self._columns.append(
                ContextColumns(
                    journey_key=journey.key,
                    customer_ids=dispatches["customer_id"].take(rows),
                    contexts=executions["context"].to_numpy()[rows],
                    declared=journey.entry.context,
                    world=world,
                    transaction=transaction,
                )
            )

    def column(self, path: str) -> pd.Series:
        """Object Series, one value for each row; None where null or absent."""
        values = np.full(len(self._dispatches), None, dtype=object)
        for (_, rows), context in zip(self.groups, self._columns, strict=True):
            values[rows] = context.column(path).to_numpy()
        return pd.Series(values, index=self._dispatches.index, dtype=object)

    def configs(self) -> pd.Series:
        """The action node's config of each row; rows of one node share one object."""
        configs = np.full(len(self._dispatches), None, dtype=object)
        for journey, rows in self.groups:
            names = self._dispatches["node_id"].take(rows).to_numpy()
            for node in journey.nodes.values():
                if isinstance(node, ActionNode):
                    here = rows[names == node.id]
                    configs[here] = np.array([node.config] * len(here) + [None], dtype=object)[:-1]
        return pd.Series(configs, index=self._dispatches.index, dtype=object)

    def zones(self) -> pd.Series:
        """Time zone of each row's customer: the profile's, else the journey's."""
        zones = np.full(len(self._dispatches), "UTC", dtype=object)
        for journey, rows in self.groups:
            zones[rows] = self._world.zones(self._dispatches["customer_id"].take(rows), journey.timezone).to_numpy()
        return pd.Series(zones, index=self._dispatches.index, dtype="str")
