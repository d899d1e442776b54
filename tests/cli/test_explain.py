"""`journeys explain` on the sample warehouse: what it says is what the snapshot and the store say."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from journey_pipelines.rules import compile_rule
from tests.behaviour.builders import action, condition, edge, end, journey
from tests.cli.project import Project
from tests.cli.test_live_commands import DAY, done, refused

ENTRY = {">": [{"var": "monetary"}, 100]}
IS_BIG = {">": [{"var": "monetary"}, 300]}


def spenders() -> dict[str, Any]:
    """Whoever has spent more than 100 enters; the big ones get a message, the others points."""
    message = action("thanks", message="Thank you, {{customer.first_name}}")
    points = action("points", "award_points", points=5, reason="Thank you")
    return journey(
        [{"id": "start", "type": "start"}, condition("is_big", IS_BIG), message, points, end("done")],
        [
            edge("start", "is_big"),
            edge("is_big", "thanks", "true"),
            edge("is_big", "points", "false"),
            edge("thanks", "done"),
            edge("points", "done"),
        ],
        key="spenders",
        entry={"rule": ENTRY},
    )


@pytest.fixture
def walked(stored: Project) -> Project:
    """One day of the journey."""
    done(stored, "publish", stored.document(**spenders()))
    done(stored, "run", "--date", DAY)
    return stored


def rows_of(project: Project, kind: str) -> dict[str, dict[str, Any]]:
    table = pq.read_table(Path(project.snapshots) / kind / f"{DAY}.parquet")
    return {row["customer_id"]: row for row in table.to_pylist()}


def told(project: Project, customer: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done(project, "explain", customer, "--json"))
    return found


def test_fifty_customers_are_explained_as_the_scalar_evaluator_decides(walked: Project) -> None:
    features, profiles = rows_of(walked, "features"), rows_of(walked, "profiles")
    entered = 0
    for customer in Random(50).sample(sorted(features), 50):
        row, found = features[customer], told(walked, customer)
        if not compile_rule(ENTRY).scalar(row):
            finding = found["not_entered"]["spenders"]
            assert (finding["verdict"], finding["remark"]) == ("confirmed", "the entry rule is false")
            assert finding["evaluations"][0]["readings"][0]["value"] == row["monetary"]
            continue
        entered += 1
        [one] = found["executions"]
        by_kind = {finding["about"]: finding for finding in one["findings"]}
        assert {finding["verdict"] for finding in one["findings"]} == {"confirmed"}
        decision = by_kind["condition"]
        assert decision["branch"] == ("true" if compile_rule(IS_BIG).scalar(row) else "false")
        assert decision["evaluations"][0]["readings"][0]["value"] == row["monetary"]
        assert by_kind["message"]["node_id"] == ("points" if decision["branch"] == "true" else "thanks")
        for dispatch in one["dispatches"]:
            if dispatch["reason"] == "no_consent":
                assert by_kind["refusal"]["values"] == {"customer.sms_consent": profiles[customer]["sms_consent"]}
    assert 10 < entered < 50


def test_the_sentences_name_value_rule_and_snapshot(walked: Project) -> None:
    features = rows_of(walked, "features")
    big = next(customer for customer, row in features.items() if row["monetary"] > 300)
    said = done(walked, "explain", big)
    amount = features[big]["monetary"]
    assert f"The entry rule, monetary > 100, is true: monetary was {amount}" in said
    assert f"The rule of 'true', monetary > 300, is true: monetary was {amount} (fingerprint " in said
    assert "No award_points at points: at is_big they took the branch 'true'." in said


def test_whoever_never_entered_is_told_why(walked: Project) -> None:
    small = next(customer for customer, row in rows_of(walked, "features").items() if row["monetary"] < 100)
    said = done(walked, "explain", small)
    assert said.startswith(f"Customer {small} never entered journey spenders:")
    assert "The entry rule, monetary > 100, is false: monetary was " in said


def test_somebody_whom_nothing_knows_is_refused(walked: Project) -> None:
    assert "neither an execution nor a customer" in refused(walked, "explain", "nobody")


def test_a_closed_journey_says_so(walked: Project) -> None:
    small = next(customer for customer, row in rows_of(walked, "features").items() if row["monetary"] < 100)
    done(walked, "pause", "spenders")
    assert "The journey is paused, and nobody enters." in done(walked, "explain", small)
