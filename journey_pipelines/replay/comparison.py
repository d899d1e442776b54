"""Two replays of a journey over the same days, side by side: what each came to, and who went another way, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from journey_pipelines.errors import JourneysError
from journey_pipelines.journeys.journey import Journey
from journey_pipelines.journeys.nodes import ConditionNode
from journey_pipelines.replay.days import PastDays
from journey_pipelines.replay.history import Kept
from journey_pipelines.replay.walk import Replayed
from journey_pipelines.rules import Rule

SIDES: Final = ("first", "second")
PASSAGE: Final = ["node_id", "visit", "branch", "at"]
ENTRY: Final = "entry"
GOAL: Final = "goal"


@dataclass(frozen=True)
class Walked:
    """One side: the journey, its replay, and every row of it."""

    journey: Journey
    replayed: Replayed
    kept: Kept


@dataclass(frozen=True)
class Comparison:
    """What differs. Frames have a column for each of SIDES where they count something.

    nodes: side, node_id, entered, passed, exited, waiting; entered is what the ways into the node carried, and is
    passed + exited + waiting. edges: node_id, branch, target. sends: action_type, day, status. totals: what.
    divergent: execution_id, customer_id, node_id, at, what, first, second, values; one row for each execution whose
    passages differ, at its first difference.
    """

    totals: pd.DataFrame
    nodes: pd.DataFrame
    edges: pd.DataFrame
    sends: pd.DataFrame
    divergent: pd.DataFrame


def compare(first: Walked, second: Walked, past: PastDays) -> Comparison:
    """Compare two walks of one journey over the same days. Raises JourneysError where they are of two."""
    if first.journey.key != second.journey.key:
        raise JourneysError(
            f"{first.journey.key} and {second.journey.key} are two journeys; compare two versions of one, with one key"
        )
    if list(first.replayed.days) != list(second.replayed.days):
        raise JourneysError("the two replays went over other days; walk both over the same")
    sides = (first, second)
    named = [nodes_of(side).assign(side=name) for name, side in zip(SIDES, sides, strict=True)]
    return Comparison(
        totals=_totals(sides),
        nodes=pd.concat(named, ignore_index=True),
        edges=_side_by_side([edges_of(side) for side in sides], ["node_id", "branch", "target"]),
        sends=_side_by_side([_sends_of(side) for side in sides], ["action_type", "day", "status"]),
        divergent=_divergent(first, second, past),
    )


def edges_of(walked: Walked) -> pd.DataFrame:
    """How many took each way: node_id, branch, target, count. A way that nobody took is there with 0."""
    taken = walked.kept.table("transitions").groupby(["node_id", "branch"], dropna=False).size()
    counts = {(node, None if pd.isna(branch) else branch): int(count) for (node, branch), count in taken.items()}
    rows = [
        (node, branch or "", target, counts.get((node, branch), 0))
        for (node, branch), target in walked.journey.ways.items()
    ]
    return pd.DataFrame(rows, columns=["node_id", "branch", "target", "count"])


def nodes_of(walked: Walked) -> pd.DataFrame:
    """node_id, entered (by the ways into it), passed, exited (ended there without passing), waiting; in the document's
    order."""
    executions, transitions = walked.kept.table("executions"), walked.kept.table("transitions")
    entered = edges_of(walked).groupby("target")["count"].sum()
    passed = transitions.groupby("node_id").size()
    has_ended = executions["ended_at"].notna()
    here = pd.MultiIndex.from_frame(executions[["execution_id", "current_node_id", "visit"]])
    has_passed = here.isin(pd.MultiIndex.from_frame(transitions[["execution_id", "node_id", "visit"]]))
    exited = executions[has_ended & ~has_passed].groupby("current_node_id").size()
    waiting = executions[~has_ended].groupby("current_node_id").size()
    names = pd.Index(list(walked.journey.nodes))
    columns = {"entered": entered, "passed": passed, "exited": exited, "waiting": waiting}
    frame = pd.DataFrame({name: counts.reindex(names, fill_value=0) for name, counts in columns.items()})
    frame.loc[walked.journey.start, "entered"] += len(executions)
    return frame.rename_axis("node_id").astype("int64").reset_index()


def _totals(sides: Sequence[Walked]) -> pd.DataFrame:
    rows: dict[str, list[int]] = {}
    ids = [set(side.kept.table("executions")["execution_id"]) for side in sides]
    rows["entered"] = [len(found) for found in ids]
    rows["entered only here"] = [len(ids[0] - ids[1]), len(ids[1] - ids[0])]
    outcomes = [side.kept.table("executions")["outcome"] for side in sides]
    rows["reached the goal"] = [int((outcome == GOAL).sum()) for outcome in outcomes]
    states = [side.kept.table("executions")["state"] for side in sides]
    rows["completed"] = [int((state == "COMPLETED").sum()) for state in states]
    rows["failed"] = [int((state == "FAILED").sum()) for state in states]
    rows["messages sent"] = [_sent(side) for side in sides]
    rows["points"] = [int(side.kept.table("points_transactions")["points"].sum()) for side in sides]
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(SIDES)).rename_axis("what").reset_index()


def _sent(side: Walked) -> int:
    dispatches = side.kept.table("dispatches")
    is_message = dispatches["action_type"].str.startswith("send_")
    return int((is_message & (dispatches["status"] == "sent")).sum())


def _sends_of(side: Walked) -> pd.DataFrame:
    dispatches = side.kept.table("dispatches")
    day = dispatches["requested_at"].dt.strftime("%Y-%m-%d")
    counts = dispatches.assign(day=day).groupby(["action_type", "day", "status"]).size()
    return counts.rename("count").reset_index()


def _side_by_side(frames: Sequence[pd.DataFrame], by: list[str]) -> pd.DataFrame:
    columns = [frame.set_index(by)["count"].rename(name) for name, frame in zip(SIDES, frames, strict=True)]
    return pd.concat(columns, axis=1).fillna(0).astype("int64").rename_axis(by).reset_index()


def _divergent(first: Walked, second: Walked, past: PastDays) -> pd.DataFrame:
    """The first difference of each execution whose passages differ, in the order of their times."""
    both = _passages(first).merge(
        _passages(second), on=["execution_id", "position"], how="outer", suffixes=("_first", "_second")
    )
    differs = pd.Series(False, index=both.index)  # noqa: FBT003 - a column of one value
    for name in PASSAGE:
        one, other = both[f"{name}_first"], both[f"{name}_second"]
        differs |= (one != other) & ~(one.isna() & other.isna())
    found = both[differs].sort_values(["execution_id", "position"]).drop_duplicates("execution_id")
    entered = [set(side.kept.table("executions")["execution_id"]) for side in (first, second)]
    is_in_both = found["execution_id"].isin(entered[0]) & found["execution_id"].isin(entered[1])
    is_entry = ~is_in_both | (found["position"] == 0)
    at = found["at_first"].fillna(found["at_second"])
    at = at.mask(found["at_second"] < at, found["at_second"])
    node = found["node_id_first"].fillna(found["node_id_second"]).mask(is_entry, ENTRY)
    told = pd.DataFrame(
        {
            "execution_id": found["execution_id"],
            "customer_id": found["customer_id_first"].fillna(found["customer_id_second"]),
            "node_id": node,
            "at": at,
            "what": _what(found, is_entry),
            "first": _shown(found, "first"),
            "second": _shown(found, "second"),
        }
    ).sort_values(["at", "execution_id"], ignore_index=True)
    return told.assign(values=_values(told, first.journey, second.journey, past))


def _passages(side: Walked) -> pd.DataFrame:
    transitions = side.kept.table("transitions")
    position = transitions.groupby("execution_id").cumcount()
    return transitions[["execution_id", "customer_id", *PASSAGE]].assign(position=position)


def _what(found: pd.DataFrame, is_entry: pd.Series) -> np.ndarray:
    is_absent = found["node_id_first"].isna() | found["node_id_second"].isna()
    is_elsewhere = found["node_id_first"] != found["node_id_second"]
    is_other_branch = found["branch_first"].fillna("") != found["branch_second"].fillna("")
    choices = [is_entry, is_absent, is_elsewhere, is_other_branch]
    return np.select(choices, ["entry", "only one passed", "another node", "another branch"], default="another time")


def _shown(found: pd.DataFrame, side: str) -> pd.Series:
    """`node: branch` of a side, empty where it has no such passage."""
    branch = found[f"branch_{side}"].fillna("")
    text = found[f"node_id_{side}"].fillna("") + branch.where(branch == "", ": " + branch)
    return text.astype("str")


def _values(told: pd.DataFrame, first: Journey, second: Journey, past: PastDays) -> pd.Series:
    """What the deciding rules of either side read of each customer: {variable: value}, from the day's snapshot."""
    values = np.empty(len(told), dtype=object)
    values[:] = [{} for _ in values]
    days = told["at"].dt.tz_convert("UTC").dt.date
    for (node, day), rows in told.groupby([told["node_id"], days], sort=False).indices.items():
        paths = sorted(path for path in paths_at(node, first) | paths_at(node, second))
        for row, read in zip(rows, _read(paths, told["customer_id"].take(rows), day, past), strict=True):
            values[row] = read
    return pd.Series(values, index=told.index, dtype=object)


def paths_at(node_id: str, journey: Journey) -> frozenset[str]:
    """The features that decide at a node, or at the entry."""
    rules: list[Rule] = []
    if node_id == ENTRY and journey.entry.rule is not None:
        rules.append(journey.entry.rule)
    node = journey.nodes.get(node_id)
    if isinstance(node, ConditionNode):
        rules += [rule for _, rule in node.branches]
    return frozenset().union(*(rule.paths for rule in rules))


def _read(paths: Sequence[str], customers: pd.Series, day: date, past: PastDays) -> list[Mapping[str, Any]]:
    features = past.facts(day).features
    known = [path for path in paths if features is not None and path in features.columns]
    if features is None or not known:
        return [{} for _ in customers]
    positions = features.positions(customers)
    columns = [pd.Series(features.take(path, positions)).astype(object).tolist() for path in known]
    rows = zip(*columns, strict=True)
    return [{path: None if pd.isna(cell) else cell for path, cell in zip(known, row, strict=True)} for row in rows]
