"""What is explained of fifty random customers agrees with a recomputation of its own from the stored Parquet files."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from journey_pipelines.evidence.explanation import Explanation
from journey_pipelines.evidence.findings import Finding, Verdict
from journey_pipelines.rules import compile_rule
from tests.evidence.world import CUSTOMERS, FIRST, World

CHOSEN = Random(50).sample(CUSTOMERS, 50)


@dataclass
class Told:
    """The walk, and what is explained of the chosen customers."""

    world: World
    explained: list[Explanation]

    def findings(self, about: str) -> list[tuple[Explanation, Finding]]:
        return [(one, finding) for one in self.explained for finding in one.findings if finding.about == about]

    def table(self, name: str) -> list[dict[str, Any]]:
        with self.world.store.transaction() as transaction:
            rows: list[dict[str, Any]] = transaction.read(name).to_dict("records")
            return rows


@pytest.fixture(scope="module")
def told(world: World) -> Told:
    return Told(world, world.explain(CHOSEN))


def stored_row(path: Path, customer: str) -> dict[str, Any] | None:
    """The customer's row in a file, without its nulls; read by nothing but pyarrow."""
    rows = [row for row in pq.read_table(path).to_pylist() if row["customer_id"] == customer]
    return {name: cell for name, cell in rows[0].items() if cell is not None and cell == cell} if rows else None


def file_of(world: World, kind: str, at: pd.Timestamp) -> Path:
    return world.folder / kind / f"{at.date()}.parquet"


def documents(told: Told, one: Explanation, at: pd.Timestamp, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Everything that a rule could read at that time; several where points were awarded at that very time."""
    world, customer = told.world, one.execution["customer_id"]
    known = {**(stored_row(file_of(world, "features", at), customer) or {}), "customer_id": customer}
    known["customer"] = stored_row(file_of(world, "profiles", at), customer)
    known |= {key: value for key, value in one.execution["context"].items() if key in ("note", "event")}
    for left in before:
        known |= {
            f"action_result_{row['node_id']}": row["result"]
            for row in one.dispatches
            if row["node_id"] == left["node_id"]
        }
    awards = [row for row in told.table("points_transactions") if row["customer_id"] == customer]
    earlier = sum(row["points"] for row in awards if row["at"] < at)
    then = sum(row["points"] for row in awards if row["at"] <= at)
    return [{**known, "account": {"points_balance": balance}} for balance in {earlier, then}]


def branch_of(node: dict[str, Any], document: dict[str, Any]) -> str:
    config = node["config"]
    branches = config.get("branches") or [{"name": "true", "rule": config["rule"]}]
    for branch in branches:
        if compile_rule(branch["rule"]).scalar(document):
            return str(branch["name"])
    return "else" if "branches" in config else "false"


def test_every_branch_is_the_one_that_the_scalar_evaluator_takes(told: Told) -> None:
    nodes = {node["id"]: node for node in told.world.document["nodes"]}
    seen = set()
    for one in told.explained:
        for number, left in enumerate(one.transitions):
            if nodes[left["node_id"]]["type"] != "condition":
                continue
            finding = one.steps[(left["node_id"], left["visit"])]
            possible = documents(told, one, left["run_as_of"], one.transitions[:number])
            branches = {branch_of(nodes[left["node_id"]], document) for document in possible}
            assert left["branch"] in branches
            assert (finding.branch, finding.verdict) == (left["branch"], Verdict.CONFIRMED)
            seen.add(left["branch"])
    assert seen >= {"true", "false", "gold", "saver", "told", "else"}


def test_every_value_is_the_one_in_the_file(told: Told) -> None:
    compared = 0
    for one, finding in told.findings("condition"):
        assert finding.at is not None
        features = stored_row(file_of(told.world, "features", finding.at), one.execution["customer_id"]) or {}
        profile = stored_row(file_of(told.world, "profiles", finding.at), one.execution["customer_id"]) or {}
        values = {**features, **{f"customer.{name}": cell for name, cell in profile.items()}}
        for evaluation in finding.evaluations:
            for reading in evaluation.readings:
                if reading.path in ("spend", "customer.tier"):
                    assert reading.value == values.get(reading.path)
                    compared += 1
    assert compared > 50


def test_every_entry_had_its_segment_and_its_rule(told: Told) -> None:
    rule = compile_rule(told.world.document["entry"]["rule"])
    entries = told.findings("entry")
    assert {finding.verdict for _, finding in entries} == {Verdict.CONFIRMED}
    by_rule = [pair for pair in entries if pair[0].execution["entered_via"] == "entry"]
    assert len(by_rule) > 20
    for one, finding in by_rule:
        customer, at = one.execution["customer_id"], one.execution["entered_at"]
        assert stored_row(file_of(told.world, "segments/s", at), customer)
        assert not stored_row(file_of(told.world, "segments/s", at - pd.Timedelta(days=1)), customer)
        assert rule.scalar(stored_row(file_of(told.world, "features", at), customer))
        assert finding.evaluations[0].is_true is True


def test_every_end_by_goal_or_exit_had_its_rule(told: Told) -> None:
    endings = told.findings("ending")
    assert {finding.branch for _, finding in endings} == {"goal", "exit_rule"}
    ended = [one for one in told.explained if one.execution["outcome"] in ("goal", "exit_rule")]
    assert [one for one, _ in endings] == ended
    for one, finding in endings:
        section = "goal" if finding.branch == "goal" else "exit"
        row = stored_row(file_of(told.world, "features", one.execution["ended_at"]), one.execution["customer_id"])
        assert compile_rule(told.world.document[section]["rule"]).scalar(row)
        assert finding.verdict is Verdict.CONFIRMED


def test_every_wait_ended_as_the_stored_events_say(told: Told) -> None:
    events = told.table("events")
    counted = {"event": 0, "timeout": 0}
    for one, finding in told.findings("wait"):
        number = [left["node_id"] for left in one.transitions].index("bought")
        arrived = one.transitions[number - 1]["at"]
        has_come = any(
            row["customer_id"] == one.execution["customer_id"]
            and row["data"]["amount"] > 20
            and arrived < row["occurred_at"] <= min(arrived + pd.Timedelta(days=2), finding.at)
            for row in events
        )
        assert (finding.branch, finding.verdict) == ("event" if has_come else "timeout", Verdict.CONFIRMED)
        counted[str(finding.branch)] += 1
    assert min(counted.values()) > 5


def test_every_action_is_requested_or_told_why_not(told: Told) -> None:
    actions = {node["id"] for node in told.world.document["nodes"] if node["type"] == "action"}
    for one in told.explained:
        requested = {row["node_id"] for row in one.dispatches}
        missed = {finding.node_id for finding in one.messages}
        assert requested | missed | {one.execution["current_node_id"]} >= actions
        assert not requested & missed


def test_every_skipped_message_was_refused_by_the_profile_of_its_time(told: Told) -> None:
    refusals = told.findings("refusal")
    skipped = [row for one in told.explained for row in one.dispatches if row["reason"] == "no_consent"]
    assert len(refusals) == len(skipped) > 3
    for one, finding in refusals:
        assert finding.at is not None
        profile = stored_row(file_of(told.world, "profiles", finding.at), one.execution["customer_id"])
        assert profile is not None
        assert (finding.values, profile["sms_consent"]) == ({"customer.sms_consent": False}, False)
        assert finding.verdict is Verdict.CONFIRMED


@pytest.mark.parametrize("what", ["split", "message"])
def test_nothing_else_contradicts_the_store(told: Told, what: str) -> None:
    assert {finding.verdict for _, finding in told.findings(what)} == {Verdict.CONFIRMED}


def test_whoever_never_entered_is_told_which_criterion_kept_them_out(told: Told) -> None:
    entered = {one.execution["customer_id"] for one in told.explained}
    absences = {customer: told.world.explain_absence(customer) for customer in sorted(set(CHOSEN) - entered)}
    assert absences
    for customer, finding in absences.items():
        assert (finding.about, finding.verdict) == ("absence", Verdict.CONFIRMED)
        assert finding.at is not None
        is_member = stored_row(file_of(told.world, "segments/s", finding.at), customer) is not None
        row = stored_row(file_of(told.world, "features", finding.at), customer)
        rule = compile_rule(told.world.document["entry"]["rule"])
        is_first = finding.at.date() == FIRST
        assert is_first or not is_member or row is None or not rule.scalar(row)
        assert ("not in the segment" in finding.remark) is not is_member
