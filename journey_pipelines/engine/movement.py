"""Advance: one chunk of executions of one journey version, moved node by node until everybody is blocked.

Each step handles one (node, group of rows) with column operations; the number of steps grows with the nodes.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from journey_pipelines.engine import nodes
from journey_pipelines.engine.columns import Columns, Rows, Step
from journey_pipelines.engine.frames import (
    DISPATCHES,
    EXECUTIONS,
    TRANSITIONS,
    conform,
    empty,
    stack,
    texts_by_code,
)
from journey_pipelines.engine.identity import dispatch_keys
from journey_pipelines.engine.instants import instant, to_times
from journey_pipelines.engine.ports import Changes, Run, StoreTransaction
from journey_pipelines.engine.variables import ContextColumns, World
from journey_pipelines.journeys.journey import Journey
from journey_pipelines.journeys.nodes import ActionNode, Node


@dataclass
class Chunk:
    """The executions of one chunk as columns that the steps write into; positions stay the same throughout."""

    journey: Journey
    run: Run
    world: World
    transaction: StoreTransaction
    frame: pd.DataFrame  # EXECUTIONS, as claimed
    columns: Columns = field(init=False)
    due: np.ndarray = field(init=False)  # the due time that brought each row here; decides staleness
    touched: np.ndarray = field(init=False)
    context: ContextColumns = field(init=False)
    zones: pd.Series = field(init=False)
    steps: list[Step] = field(default_factory=list)
    dispatches: list[pd.DataFrame] = field(default_factory=list)
    dispatch_updates: list[pd.DataFrame] = field(default_factory=list)
    used_event_ids: list[pd.Index] = field(default_factory=list)
    arrivals: dict[str, list[Rows]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.columns = Columns(self.frame)
        self.due = self.columns["due_at"].copy()
        self.touched = np.zeros(len(self.frame), dtype=bool)
        self.context = ContextColumns(
            journey_key=self.journey.key,
            customer_ids=self.frame["customer_id"],
            contexts=self.columns["context"],
            declared=self.journey.entry.context,
            world=self.world,
            transaction=self.transaction,
        )
        self.zones = self.world.zones(self.frame["customer_id"], self.journey.timezone)

    @property
    def as_of(self) -> np.datetime64:
        """The run's `as_of` as the columns hold it."""
        return instant(self.run.as_of)

    def __len__(self) -> int:
        return len(self.frame)

    def times(self, name: str, rows: Rows) -> pd.Series:
        """A time column of these rows."""
        return to_times(self.columns[name][rows])

    def now(self, rows: Rows) -> pd.Series:
        """`as_of` once for each row."""
        return to_times(np.full(len(rows), self.as_of))

    def write(self, rows: Rows, **values: Any) -> None:
        """Set columns of these rows."""
        for name, value in values.items():
            self.columns[name][rows] = value
        self.touched[rows] = True

    def set_context(self, rows: Rows, key: str, values: Any) -> None:
        """Add one key to the rows' contexts; the old dicts stay as they were."""
        contexts = self.columns["context"]
        fresh = np.empty(len(rows), dtype=object)
        fresh[:] = [{**context, key: value} for context, value in zip(contexts[rows], values, strict=True)]
        self.write(rows, context=fresh)

    def leave(self, rows: Rows, node: Node, branch: str | None, fingerprint: str | None = None) -> None:
        """Record that these rows leave a node by a branch, and queue their arrival at its target."""
        if not len(rows):
            return
        self._record_transition(rows, node, branch, fingerprint)
        if node.id in self.journey.cyclic:
            self._remember_run(rows, node.id)
        target = self.journey.way(node.id, branch)
        if target is None:
            # a check that publication makes; a document that got past it must not lose anybody
            self.fail(rows, "missing_edge", f"the node {node.id} has no edge for the branch {branch}")
            return
        self.arrivals.setdefault(target, []).append(rows)

    def has_left_in_this_run(self, rows: Rows, node_id: str) -> np.ndarray:
        """Which of these rows have left a node of a cycle in this run already."""
        if node_id not in self.journey.cyclic:
            return np.zeros(len(rows), dtype=bool)
        left_at = [seen.get(f"{node_id}@") for seen in self.columns["visits"][rows]]
        return np.array([at == str(self.as_of) for at in left_at], dtype=bool)

    def complete(self, rows: Rows, outcome: str) -> None:
        """End these rows well."""
        self.write(rows, state="COMPLETED", outcome=outcome, **self._ended())

    def fail(self, rows: Rows, code: str, sentence: str) -> None:
        """End these rows badly, where they stand."""
        self.write(rows, state="FAILED", failure=f"{code}: {sentence}", **self._ended())

    def end_at(self, rows: Rows, node: Node) -> None:
        """Complete these rows at an end node."""
        self._record_transition(rows, node, None, None)
        self.complete(rows, node.id)

    def wait(self, rows: Rows, due_at: Any, *, waiting_for: str | None = None, events_since: Any = None) -> None:
        """Block these rows at their node until then, or until an event."""
        since = np.datetime64("NaT", "us") if events_since is None else events_since
        self.write(rows, state="WAITING", due_at=due_at, waiting_for=waiting_for, events_since=since)

    def request(self, rows: Rows, node: ActionNode) -> None:
        """Block these rows at an action, with one new dispatch each."""
        if not len(rows):
            return
        self.write(rows, state="IN_PROGRESS", due_at=np.datetime64("NaT", "us"), action_status=None)
        picked = self.frame.take(rows).reset_index(drop=True)
        visits = self.columns["visit"][rows]
        requested = picked[["execution_id", "journey_key", "journey_version", "customer_id"]].assign(
            key=dispatch_keys(picked["execution_id"], node.id, visits),
            node_id=node.id,
            visit=visits,
            action_type=node.action_type,
            priority=self.journey.priority,
            status="pending",
            attempt=0,
            requested_at=self.now(rows),
            due_at=to_times(self.due[rows]),
            run_id=self.run.run_id,
            snapshot_id=self.snapshot_id,
        )
        self.dispatches.append(conform(requested, DISPATCHES))

    @property
    def snapshot_id(self) -> str | None:
        """The feature snapshot that decides."""
        features = self.world.facts.features
        return features.snapshot_id if features is not None else None

    def changes(self) -> Changes:
        """Everything that the chunk's transaction writes."""
        used = pd.Index([], dtype="str").append(self.used_event_ids)
        return Changes(
            executions=self.executions(np.flatnonzero(self.touched)),
            transitions=self.transitions(),
            dispatches=self._in_due_order(stack(self.dispatches, DISPATCHES)),
            dispatch_updates=stack(self.dispatch_updates, DISPATCHES),
            used_event_ids=used.unique(),
        )

    def executions(self, rows: Rows) -> pd.DataFrame:
        """EXECUTIONS of these rows as they are now."""
        return conform(pd.DataFrame({name: self.columns.cells(name, rows) for name in EXECUTIONS}), EXECUTIONS)

    @staticmethod
    def _in_due_order(dispatches: pd.DataFrame) -> pd.DataFrame:
        return dispatches.sort_values("due_at", kind="stable", ignore_index=True)

    def _remember_run(self, rows: Rows, node_id: str) -> None:
        visits = self.columns["visits"]
        marked = np.empty(len(rows), dtype=object)
        marked[:] = [{**seen, f"{node_id}@": str(self.as_of)} for seen in visits[rows]]
        self.write(rows, visits=marked)

    def _ended(self) -> dict[str, Any]:
        nat = np.datetime64("NaT", "us")
        return {
            "ended_at": self.as_of,
            "due_at": nat,
            "waiting_for": None,
            "events_since": nat,
            "action_status": None,
        }

    def _record_transition(self, rows: Rows, node: Node, branch: str | None, fingerprint: str | None) -> None:
        self.steps.append(Step(rows, self.columns["visit"][rows], node.id, branch, fingerprint))

    def transitions(self) -> pd.DataFrame:
        """TRANSITIONS: each execution's in the order in which it left its nodes."""
        if not self.steps:
            return empty(TRANSITIONS)
        rows = np.concatenate([step.rows for step in self.steps])
        order = np.argsort(rows, kind="stable")
        which = np.repeat(np.arange(len(self.steps)), [len(step.rows) for step in self.steps])[order]
        left = self.frame[["execution_id", "journey_key", "journey_version", "customer_id"]].take(rows[order])
        made = left.reset_index(drop=True).assign(
            node_id=texts_by_code(which, [step.node_id for step in self.steps]),
            visit=np.concatenate([step.visits for step in self.steps])[order],
            branch=texts_by_code(which, [step.branch for step in self.steps]),
            at=pd.Timestamp(self.run.as_of),
            run_id=texts_by_code(np.zeros(len(rows), dtype=np.int64), [self.run.run_id]),
            run_as_of=pd.Timestamp(self.run.as_of),
            snapshot_id=texts_by_code(np.zeros(len(rows), dtype=np.int64), [self.snapshot_id]),
            fingerprint=texts_by_code(which, [step.fingerprint for step in self.steps]),
        )
        return conform(made, TRANSITIONS)


def walk(chunk: Chunk) -> None:
    """Let everybody who has arrived somewhere go on until all are blocked or ended.

    The node of lowest rank first, so that groups that meet again are handled together.
    """
    journey = chunk.journey
    while chunk.arrivals:
        node_id = min(chunk.arrivals, key=journey.order.__getitem__)
        rows = np.sort(np.concatenate(chunk.arrivals.pop(node_id)))
        _arrive(chunk, rows, node_id)
        nodes.enter(chunk, rows, journey.nodes[node_id])


def _arrive(chunk: Chunk, rows: Rows, node_id: str) -> None:
    nat = np.datetime64("NaT", "us")
    chunk.write(
        rows,
        state="IN_PROGRESS",
        current_node_id=node_id,
        arrived_at=chunk.as_of,
        visit=1,
        due_at=nat,
        waiting_for=None,
        events_since=nat,
        action_status=None,
    )
    if node_id in chunk.journey.cyclic:
        visits = chunk.columns["visits"]
        numbers = [seen.get(node_id, 0) + 1 for seen in visits[rows]]
        counted = np.empty(len(rows), dtype=object)
        counted[:] = [{**seen, node_id: number} for seen, number in zip(visits[rows], numbers, strict=True)]
        chunk.write(rows, visit=numbers, visits=counted)
