"""Why somebody did not enter once more, and what holds a message back that has not left."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from journey_pipelines.delivery.contact import ContactPolicy
from journey_pipelines.delivery.dispatcher import CallableDispatcher
from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.passes import run_pass
from journey_pipelines.engine.ports import Run
from journey_pipelines.evidence.archive import Archive
from journey_pipelines.evidence.explanation import Explanation, explain_absences, explain_execution
from journey_pipelines.evidence.findings import Finding, Verdict
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.snapshots.parquet import FEATURES, PROFILES, SnapshotStore
from journey_pipelines.snapshots.sources import ParquetSource
from journey_pipelines.store.memory import MemoryStore
from tests.behaviour.builders import action, chain
from tests.evidence.world import ACTIONS, CATALOG

FIRST = date(2024, 3, 11)


class Small:
    """One customer, one journey, one message; a run at noon of each day, when Berlin has 13:00."""

    def __init__(self, folder: Path, policy: ContactPolicy | None = None, **keys: Any) -> None:
        self.policy = policy or ContactPolicy()
        self.snapshots = SnapshotStore(folder)
        self.store = MemoryStore()
        dispatcher = CallableDispatcher(ACTIONS, policy=self.policy)
        self.engine = Engine(self.store, ParquetSource(self.snapshots), dispatcher, CATALOG)
        messages = [action(f"m{number}", message="Hi") for number in range(2)]
        document = chain(*messages, **{"entry": {"rule": {">": [{"var": "f"}, 0]}}, **keys})
        with self.store.transaction() as transaction:
            transaction.publish(compile_journey(document, CATALOG).document, at=datetime(2024, 1, 1, tzinfo=UTC))

    def run(self, number: int, **features: Any) -> None:
        day = FIRST + timedelta(days=number)
        profile = {"customer_id": ["7"], "phone": "+491701234567", "timezone": "Europe/Berlin"}
        self.snapshots.write(FEATURES, day, pd.DataFrame({"customer_id": ["7"], "f": features.get("f", 1)}))
        self.snapshots.write(PROFILES, day, pd.DataFrame(profile))
        run_pass(self.engine, Run(f"run-{number}", datetime(day.year, day.month, day.day, 12, tzinfo=UTC)))

    def absence(self) -> Finding:
        with self.store.transaction() as transaction:
            [finding] = explain_absences(Archive(transaction, CATALOG, self.snapshots), "7").values()
            return finding

    def explanation(self) -> Explanation:
        with self.store.transaction() as transaction:
            archive = Archive(transaction, CATALOG, self.snapshots)
            [execution] = transaction.read("executions").to_dict("records")
            return explain_execution(archive, execution, policy=self.policy)


@pytest.mark.parametrize(
    ("reentry", "days", "remark"),
    [
        ("never", 2, "they entered it on 2024-03-11, and nobody enters it twice"),
        ("P30D", 2, "they entered it on 2024-03-11, and may enter again from 2024-04-10 11:00 UTC on"),
        ("after_end", 1, "they entered it on 2024-03-11, and nobody enters twice on one day"),
    ],
)
def test_whoever_has_been_there_is_told_when_they_may_return(
    tmp_path: Path, reentry: str, days: int, remark: str
) -> None:
    small = Small(tmp_path, entry={"rule": {">": [{"var": "f"}, 0]}, "reentry": reentry})
    for number in range(days):
        small.run(number)
    finding = small.absence()
    assert (finding.verdict, finding.remark) == (Verdict.CONFIRMED, remark)


def test_whoever_may_return_is_told_which_rule_is_false(tmp_path: Path) -> None:
    small = Small(tmp_path, entry={"rule": {">": [{"var": "f"}, 0]}, "reentry": "after_end"})
    small.run(0)
    small.run(1, f=-5)
    finding = small.absence()
    assert (finding.verdict, finding.remark) == (Verdict.CONFIRMED, "the entry rule is false")
    assert finding.evaluations[0].readings[0].value == -5


def test_a_journey_that_no_run_has_decided_about_says_so(tmp_path: Path) -> None:
    assert Small(tmp_path).absence().remark == "no run has decided about the journey yet"


def test_a_held_journey_says_so(tmp_path: Path) -> None:
    small = Small(tmp_path)
    run_pass(small.engine, Run("run", datetime(2024, 3, 11, 12, tzinfo=UTC)))
    assert small.absence().remark.startswith("the run held the journey: ")


def test_quiet_hours_are_told_from_a_cap(tmp_path: Path) -> None:
    quiet = Small(tmp_path / "quiet", ContactPolicy.parse({"quiet_hours": {"from": "12:00", "to": "15:30"}}))
    quiet.run(0)
    [text] = quiet.explanation().deferrals.values()
    assert text == "quiet hours last until 15:30 of the customer's time"
    capped = Small(tmp_path / "capped", ContactPolicy.parse({"caps": {"sms": 1}}))
    capped.run(0)
    [text] = capped.explanation().deferrals.values()
    assert text == "the customer's day has had its 1 of this kind"


def test_an_action_that_lies_ahead_may_still_come(tmp_path: Path) -> None:
    capped = Small(tmp_path, ContactPolicy.parse({"quiet_hours": {"from": "12:00", "to": "15:30"}}))
    capped.run(0)
    [message] = capped.explanation().messages
    assert (message.node_id, message.remark) == ("m1", "it may still come, they are at m0")
