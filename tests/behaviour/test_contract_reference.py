"""The engine over columns does what a plain loop over single customers does, on random journeys and histories."""

from random import Random
from typing import Any

import pandas as pd
import pytest

from journey_pipelines.errors import JourneyDocumentError
from journey_pipelines.simulation import SimulationResult, simulate
from tests.behaviour.random_journeys import History, JourneyWriter, random_answers, random_history
from tests.behaviour.reference import Answer, World

CALM = ["sent", "sent", "sent", "failed", "retry"]
ROUGH = ["sent", "failed", "retry", "retry", "unknown"]


def random_case(seed: str, *, missing: float) -> tuple[dict[str, Any], History, SimulationResult]:
    """A journey that the checks let pass (most do), a history and what the engine makes of them."""
    random = Random(seed)
    answer = random_answers(seed, CALM if missing < 0.1 else ROUGH)
    while True:
        document, history = JourneyWriter(random).document(), random_history(random, missing=missing)
        try:
            return document, history, run_engine(document, history, answer)
        except JourneyDocumentError:
            continue


def run_engine(document: Any, history: History, answer: Answer, **options: Any) -> SimulationResult:
    """Simulate; the answers come back in an order of their own."""
    attempts: dict[tuple[str, str], int] = {}

    def deliver(dispatches: pd.DataFrame) -> pd.DataFrame:
        answers: list[tuple[str, str, dict[str, Any]]] = []
        for key, customer, node in dispatches[["key", "customer_id", "node_id"]].to_numpy().tolist():
            attempt = attempts.get((customer, node), 0)
            attempts[(customer, node)] = attempt + 1
            answers.append((key, answer(customer, node, attempt), {}))
        return pd.DataFrame(answers[::-1], columns=["key", "status", "result"])

    profiles = pd.DataFrame(
        [{"customer_id": customer, **profile} for customer, profile in history.profiles.items()],
        columns=["customer_id", "phone", "timezone", "sms_consent"],
    )
    frames = {
        "features": pd.DataFrame(history.features, columns=["snapshot_date", "customer_id", "f", "g", "h", "b", "d"]),
        "segments": pd.DataFrame(history.segments, columns=["snapshot_date", "segment", "customer_id"]),
        "profiles": profiles.astype({"sms_consent": object}),
        "events": pd.DataFrame(history.events) if history.events else None,
        "starts": pd.DataFrame(history.starts) if history.starts else None,
    }
    return simulate(document, runs=history.runs, deliver=deliver, **{**frames, **options})


def by_engine(result: SimulationResult) -> dict[str, list[Any]]:
    """Executions, transitions and dispatches as sorted tuples that name an execution by customer and entry number."""
    executions = result.executions.sort_values("entered_at", kind="stable")
    numbers = executions.groupby("customer_id").cumcount() + 1
    number_of = dict(zip(executions["execution_id"], numbers, strict=True))
    failures = executions["failure"].str.replace(r":.*", "", regex=True)
    rows = executions.assign(number=numbers, failure=failures)
    keys = ["entered_at", "due_at", "ended_at"]
    columns = ["customer_id", "number", "state", "current_node_id", "outcome", "failure", *keys]
    moved = result.transitions.assign(number=result.transitions["execution_id"].map(number_of))
    sent = result.dispatches.assign(number=result.dispatches["execution_id"].map(number_of))
    return {
        "executions": plain(rows[columns]),
        "transitions": plain(moved[["customer_id", "number", "node_id", "visit", "branch", "at"]]),
        "dispatches": plain(sent[["customer_id", "number", "node_id", "visit", "status", "requested_at"]]),
    }


def by_reference(document: Any, history: History, answer: Answer) -> dict[str, list[Any]]:
    """The same from the plain loop."""
    world = World(
        document, history.features, history.segments, history.profiles, history.events, history.starts, answer
    )
    for as_of in history.runs:
        world.run(as_of)
    executions = [
        (e.customer, e.number, e.state, e.node, e.outcome, e.failure, e.entered_at, e.due_at, e.ended_at)
        for e in world.executions
    ]
    sent = pd.DataFrame(world.dispatches)
    columns = ["customer_id", "number", "node_id", "visit", "status", "requested_at"]
    return {
        "executions": plain(pd.DataFrame(executions)),
        "transitions": plain(pd.DataFrame(world.transitions)),
        "dispatches": plain(sent[columns] if len(sent) else sent),
    }


def plain(frame: pd.DataFrame) -> list[Any]:
    """Rows as tuples of text, None where null, sorted."""
    cells = frame.astype(object).where(frame.notna(), None)
    return sorted(tuple(None if c is None else str(c) for c in row) for row in cells.to_numpy().tolist())


@pytest.mark.parametrize("seed", range(6))
def test_engine_agrees_with_a_loop_over_single_customers(seed: int) -> None:
    document, history, result = random_case(f"calm {seed}", missing=0.04)
    assert by_engine(result) == by_reference(document, history, random_answers(f"calm {seed}", CALM))


@pytest.mark.parametrize("seed", range(6))
def test_engine_agrees_where_customers_vanish_and_providers_stay_silent(seed: int) -> None:
    document, history, result = random_case(f"rough {seed}", missing=0.35)
    assert by_engine(result) == by_reference(document, history, random_answers(f"rough {seed}", ROUGH))


@pytest.mark.parametrize("seed", range(3))
def test_neither_the_order_of_rows_nor_the_size_of_chunks_changes_anything(seed: int) -> None:
    document, history, result = random_case(f"order {seed}", missing=0.1)
    turned = History(
        history.features[::-1],
        history.segments[::-1],
        dict(reversed(history.profiles.items())),
        history.events[::-1],
        history.starts,
        history.runs,
    )
    again = run_engine(document, turned, random_answers(f"order {seed}", ROUGH), chunk_rows=2)
    assert by_engine(again) == by_engine(result)


@pytest.mark.parametrize("seed", range(3))
def test_every_passage_is_a_path_of_the_graph(seed: int) -> None:
    document, _, result = random_case(f"path {seed}", missing=0.1)
    ways = {(e["source"], e.get("branch")): e["target"] for e in document["edges"]}
    nodes = {node["id"]: node["type"] for node in document["nodes"]}
    for execution in result.executions.to_dict("records"):
        passed = result.transitions[result.transitions["execution_id"] == execution["execution_id"]]
        here = "start"
        for node, branch in zip(passed["node_id"], passed["branch"], strict=True):
            assert node == here
            if nodes[node] != "end":
                here = ways.get((node, branch if isinstance(branch, str) else None), here)
        assert execution["current_node_id"] == here
    assert result.dispatches["key"].is_unique
    assert set(result.executions["state"]) <= {"NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "FAILED"}
    is_ended = result.executions["state"].isin(["COMPLETED", "FAILED"])
    assert (result.executions["ended_at"].notna() == is_ended).all()
