"""Migration: those who stand in an older version are moved to the newest one, or leave, by a map of nodes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from journey_pipelines.engine.cancel import dropped, ended_as
from journey_pipelines.engine.frames import DISPATCHES, EXECUTIONS, TRANSITIONS, conform, empty, stack
from journey_pipelines.engine.passed import mark_of
from journey_pipelines.engine.ports import Changes, Run, StoreTransaction
from journey_pipelines.journeys.journey import Journey
from journey_pipelines.journeys.migration_map import MigrationMap, check_map, kind_of
from journey_pipelines.journeys.nodes import ActionNode, EventWait

MIGRATED: Final = "migrated"  # branch of the transition, and outcome of those who end
CHUNK_ROWS: Final = 50_000


@dataclass(frozen=True)
class Migration:
    """A map between two compiled versions, carried out by one run."""

    migration_map: MigrationMap
    old: Journey
    new: Journey
    run: Run


def migrate(transaction: StoreTransaction, migration: Migration) -> Mapping[str, Any]:
    """Move and end everybody whom the map names, in this transaction; returns the figures, which its run keeps.

    `moved` and `ended` are counts by node of the older version, `staying` those who are left at these nodes: their send
    is under way, or a run holds them at this moment. Raises MigrationMapError for a map that cannot be carried out.
    May be tried again after a commit without an answer.
    """
    check_map(migration.migration_map, migration.old, migration.new)
    known = transaction.read("runs", run_id=migration.run.run_id)
    if len(known):
        found: Mapping[str, Any] = known["summary"].iloc[0]
        return found
    transaction.open_run(migration.run)
    key, version = migration.old.key, migration.old.version
    nodes = sorted(migration.migration_map.nodes)
    counts: dict[str, dict[str, int]] = {"moved": {}, "ended": {}}
    after = ""
    while True:
        claim = transaction.take_standing(key, version, nodes, after=after, limit=CHUNK_ROWS)
        if not len(claim.frame):
            break
        after = claim.cursor
        _migrate_chunk(transaction, migration, claim.frame, counts)
    figures = {"journey": key, "from_version": version, "to_version": migration.new.version, **counts}
    figures["staying"] = _staying(transaction.status_counts(), migration)
    transaction.close_run(migration.run.run_id, figures)
    return figures


def _staying(status_counts: pd.DataFrame, migration: Migration) -> dict[str, int]:
    own = status_counts[
        (status_counts["journey_key"] == migration.old.key)
        & (status_counts["journey_version"] == migration.old.version)
        & status_counts["state"].isin(["NOT_STARTED", "IN_PROGRESS", "WAITING"])
        & status_counts["current_node_id"].isin(list(migration.migration_map.nodes))
    ]
    return {str(node): int(count) for node, count in own.groupby("current_node_id")["count"].sum().items()}


def _migrate_chunk(
    transaction: StoreTransaction, migration: Migration, standing: pd.DataFrame, counts: dict[str, dict[str, int]]
) -> None:
    """Move those who have a successor and no send under way; end those who are to end and whose send is not leaving."""
    outstanding = transaction.dispatches_of(pd.Index(standing["execution_id"]))
    nodes, moves = migration.migration_map.nodes, migration.migration_map.moves
    is_mapped = standing["current_node_id"].isin(list(moves))
    is_to_end = standing["current_node_id"].isin([node for node in nodes if node not in moves])
    has_send = standing["execution_id"].isin(outstanding["execution_id"])
    leaving = outstanding.loc[outstanding["status"] == "sending", "execution_id"]
    moving = standing[is_mapped & ~has_send].reset_index(drop=True)
    ending = standing[is_to_end & ~standing["execution_id"].isin(leaving)].reset_index(drop=True)
    at = migration.run.as_of
    unsent = outstanding[outstanding["execution_id"].isin(ending["execution_id"])].reset_index(drop=True)
    moved = _moved(moving, migration)
    transaction.save(
        Changes(
            executions=stack([moved, conform(ended_as(MIGRATED, ending, at), EXECUTIONS)], EXECUTIONS),
            transitions=_transitions(moving, moved, migration),
            dispatches=empty(DISPATCHES),
            dispatch_updates=dropped(MIGRATED, unsent, at) if len(unsent) else empty(DISPATCHES),
            used_event_ids=pd.Index([], dtype="str"),
        )
    )
    for what, rows in (("moved", moving), ("ended", ending)):
        for node, count in rows.groupby("current_node_id").size().items():
            counts[what][str(node)] = counts[what].get(str(node), 0) + int(count)


def _moved(moving: pd.DataFrame, migration: Migration) -> pd.DataFrame:
    """EXECUTIONS at their new nodes: who waits keeps the due time, who is put at an action is due at once."""
    if not len(moving):
        return empty(EXECUTIONS)
    old, new, at = migration.old, migration.new, pd.Timestamp(migration.run.as_of)
    target = moving["current_node_id"].map(dict(migration.migration_map.moves))
    kinds = target.map({node_id: kind_of(new.nodes[node_id]) for node_id in target.unique()})
    is_cut_short = (moving["current_node_id"].map({n: kind_of(old.nodes[n]) for n in old.nodes}) == "wait") & (
        kinds == "action"
    )
    awaited = target.map({n.id: n.event if isinstance(n, EventWait) else None for n in new.nodes.values()})
    contexts, visits = _carried(moving, migration)
    moved = moving.assign(
        journey_version=new.version,
        current_node_id=target.astype("str"),
        waiting_for=awaited.astype("str"),
        events_since=_events_since(moving, target, new),
        due_at=moving["due_at"].mask(is_cut_short, at),
        arrived_at=moving["arrived_at"].mask(is_cut_short, at),
        context=contexts,
    )
    moved = _with_visits(moved, visits, is_cut_short.to_numpy(dtype=bool), new)
    return conform(_ended_at_ends(moved, (kinds == "end").to_numpy(dtype=bool), at), EXECUTIONS)


def _events_since(moving: pd.DataFrame, target: pd.Series, new: Journey) -> pd.Series:
    """As the wait that they leave had it, else from their arrival or entry; null where no event is waited for."""
    waits = {node.id: node for node in new.nodes.values() if isinstance(node, EventWait)}
    counts_from_entry = target.isin([node_id for node_id, node in waits.items() if node.since == "entry"])
    earlier = moving["events_since"].where(moving["events_since"].notna(), moving["arrived_at"])
    return earlier.mask(counts_from_entry, moving["entered_at"]).where(target.isin(list(waits)))


def _carried(moving: pd.DataFrame, migration: Migration) -> tuple[np.ndarray, np.ndarray]:
    """Contexts with the results of actions under their new names, and visits with a mark for each action passed.

    An action that lies on a cycle in both versions gets none: coming round again is what it is for.
    """
    old, new, moves = migration.old, migration.new, migration.migration_map.moves
    before, seen = _objects(moving["context"]), _objects(moving["visits"])
    contexts, visits = before.copy(), seen.copy()
    actions = {node.id for node in new.nodes.values() if isinstance(node, ActionNode)}
    pairs = {*moves.items(), *((name, name) for name in {*actions, *old.nodes})}
    for name, successor in sorted(pair for pair in pairs if pair[1] in new.nodes):
        result, renamed = f"action_result_{name}", f"action_result_{successor}"
        has_result = np.array([result in context for context in before], dtype=bool)
        if name != successor:
            _put(contexts, has_result, renamed, [context[result] for context in before[has_result]])
        if name in old.cyclic and successor in new.cyclic:
            _rename_visits(visits, seen, name, successor)
        elif successor in actions:
            _put(visits, has_result, mark_of(successor), [True] * int(has_result.sum()))
    return contexts, visits


def _rename_visits(visits: np.ndarray, seen: np.ndarray, name: str, successor: str) -> None:
    """Visits of the successor go on from those of the node, and never back: its dispatches have been numbered."""
    counted = np.array([name in known for known in seen], dtype=bool)
    numbers = [max(v.get(successor, 0), known[name]) for v, known in zip(visits[counted], seen[counted], strict=True)]
    _put(visits, counted, successor, numbers)
    for suffix in ("@", mark_of("")):
        has_one = np.array([name + suffix in known for known in seen], dtype=bool)
        _put(visits, has_one, successor + suffix, [known[name + suffix] for known in seen[has_one]])


def _with_visits(moved: pd.DataFrame, visits: np.ndarray, is_cut_short: np.ndarray, new: Journey) -> pd.DataFrame:
    """With the number of the visit: the next one of an action that they are put at, else as it was."""
    number = moved["visit"].to_numpy(copy=True)
    for node_id, rows in moved.groupby("current_node_id", sort=True).indices.items():
        is_new = is_cut_short[rows]
        number[rows[is_new]] = [counted.get(node_id, 0) + 1 for counted in visits[rows[is_new]]]
        if node_id in new.cyclic:
            visits[rows] = [{**v, node_id: n} for v, n in zip(visits[rows], number[rows].tolist(), strict=True)]
    return moved.assign(visit=number, visits=visits)


def _ended_at_ends(moved: pd.DataFrame, is_end: np.ndarray, at: datetime) -> pd.DataFrame:
    """Who is put at an end node has reached it."""
    if not is_end.any():
        return moved
    ended = moved[is_end]
    done = ended_as(MIGRATED, ended, at).assign(outcome=ended["current_node_id"], visit=1)
    return pd.concat([moved[~is_end], done]).sort_index()


def _transitions(moving: pd.DataFrame, moved: pd.DataFrame, migration: Migration) -> pd.DataFrame:
    """Each left its node by the branch `migrated`; who was put at an end node has passed that too."""
    names = ["execution_id", "journey_key", "journey_version", "customer_id", "visit"]
    left = moving[names].assign(node_id=moving["current_node_id"], branch=MIGRATED)
    ended = moved[moved["ended_at"].notna()]
    both = pd.concat([left, ended[names].assign(node_id=ended["current_node_id"], branch=None)], ignore_index=True)
    at = pd.Timestamp(migration.run.as_of)
    told = both.assign(at=at, run_id=migration.run.run_id, run_as_of=at, snapshot_id=None, fingerprint=None)
    texts = {name: told[name].astype("str") for name in ("branch", "snapshot_id", "fingerprint")}
    return conform(told.assign(**texts), TRANSITIONS)


def _objects(column: pd.Series) -> np.ndarray:
    cells: np.ndarray = column.to_numpy(dtype=object, copy=True)
    return cells


def _put(cells: np.ndarray, mask: np.ndarray, key: str, values: list[Any]) -> None:
    """One key of the dicts in the mask; the old dicts stay as they were."""
    made = np.empty(len(values), dtype=object)
    made[:] = [{**cell, key: value} for cell, value in zip(cells[mask], values, strict=True)]
    cells[mask] = made
