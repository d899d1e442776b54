"""Effects over crashes: intent before the call, unknown after it, each action visit delivered effectively once."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from journey_pipelines.delivery.channel_dispatcher import ChannelDispatcher
from journey_pipelines.delivery.channels import LocalOutbox
from journey_pipelines.engine.ports import JourneyStore
from tests.behaviour.builders import MARCH, action, chain, features, only, profiles, wait
from tests.behaviour.passes import ACTIONS, Passes
from tests.store.rows import ids

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PUSH = action("a", "send_push", title="Hello", body="You")
DEVICES = profiles(device_tokens={"7": ["t"]})


class Crash(BaseException):
    """The end of a process between two of its steps."""


class CrashingOnce:
    """A deliverer that dies at its first call and answers `sent` from then on; `calls` has what each call got."""

    def __init__(self) -> None:
        self.calls: list[pd.DataFrame] = []

    def __call__(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        self.calls.append(dispatches)
        if len(self.calls) == 1:
            raise Crash
        return pd.DataFrame({"key": dispatches["key"], "status": "sent", "result": None})


class CrashingOutbox(LocalOutbox):
    """A provider that takes the messages (all of them, or none), whereupon our process dies, once."""

    def __init__(self, folder: Path, *, takes: bool) -> None:
        super().__init__(folder)
        self.takes = takes
        self.is_over = False

    def send(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        if self.is_over:
            return super().send(dispatches)
        self.is_over = True
        if self.takes:
            super().send(dispatches)
        raise Crash


def crashed(store: JourneyStore, document: dict[str, Any], **keys: Any) -> Passes:
    """Passes whose first run died while it delivered."""
    passes = Passes(store, document, **keys)
    with pytest.raises(Crash):
        passes.run(MARCH)
    return passes


def through(outbox: LocalOutbox) -> ChannelDispatcher:
    return ChannelDispatcher(ACTIONS, dict.fromkeys(("email", "sms", "push"), outbox))


def lines(outbox: LocalOutbox) -> list[str]:
    """Everything that an outbox got, line by line."""
    return [line for path in sorted(outbox.folder.rglob("*.jsonl")) for line in path.read_text().splitlines()]


def test_intent_is_committed_before_the_provider_is_called(store: JourneyStore) -> None:
    seen: list[tuple[str, int, str]] = []

    def deliver(dispatches: pd.DataFrame) -> pd.DataFrame:
        with store.transaction() as transaction:
            row = only(transaction.read("dispatches"))
        seen.append((row["status"], row["attempt"], row["payload"]["message"]))
        return pd.DataFrame({"key": dispatches["key"], "status": "sent", "result": None})

    Passes(store, chain(action("a")), deliver=deliver).run(MARCH)
    assert seen == [("sending", 1, "Hello")]


def test_a_crash_while_delivering_leaves_the_dispatch_sending(store: JourneyStore) -> None:
    passes = crashed(store, chain(action("a")), deliver=CrashingOnce())
    assert only(passes.read("dispatches"))["status"] == "sending"
    assert only(passes.read("executions"))["state"] == "IN_PROGRESS"


def test_after_a_crash_the_dispatch_is_unknown_and_its_execution_stays(store: JourneyStore) -> None:
    deliver = CrashingOnce()
    passes = crashed(store, chain(action("a")), deliver=deliver)
    passes.run(MARCH + HOUR)
    assert only(passes.read("dispatches"))["status"] == "unknown"
    execution = only(passes.read("executions"))
    assert (execution["state"], execution["current_node_id"]) == ("IN_PROGRESS", "a")
    assert len(deliver.calls) == 1


def test_after_settle_after_a_message_counts_as_sent_without_proof_and_is_not_sent_again(store: JourneyStore) -> None:
    deliver = CrashingOnce()
    passes = crashed(store, chain(action("a")), deliver=deliver)
    passes.run(MARCH + HOUR, MARCH + HOUR + DAY)
    assert only(passes.read("dispatches"))["status"] == "sent"
    execution = only(passes.read("executions"))
    assert execution["state"] == "COMPLETED"
    assert execution["context"]["action_result_a"]["confirmed"] is False
    assert len(deliver.calls) == 1


def test_a_push_of_unknown_fate_is_sent_again_with_the_same_collapse_id(store: JourneyStore) -> None:
    deliver = CrashingOnce()
    passes = crashed(store, chain(PUSH), deliver=deliver, profiles=DEVICES)
    passes.run(MARCH + HOUR, MARCH + HOUR + DAY)
    assert only(passes.read("dispatches"))["status"] == "sent"
    first, second = deliver.calls
    assert first["key"].to_list() == second["key"].to_list()


@pytest.mark.parametrize("document", [chain(action("a")), chain(PUSH)], ids=["sms", "push"])
@pytest.mark.parametrize("takes", [True, False])
def test_a_provider_that_can_be_asked_settles_what_is_unknown(
    store: JourneyStore, tmp_path: Path, document: dict[str, Any], takes: bool
) -> None:
    outbox = CrashingOutbox(tmp_path, takes=takes)
    passes = crashed(store, document, dispatcher=through(outbox), profiles=DEVICES)
    passes.run(MARCH + HOUR)
    assert only(passes.read("executions"))["state"] == "COMPLETED"
    assert only(passes.read("dispatches"))["status"] == "sent"
    assert only(passes.read("dispatches"))["attempt"] == 1
    assert len(lines(outbox)) == 1


def test_points_are_awarded_exactly_once_over_a_crash(store: JourneyStore, tmp_path: Path) -> None:
    class DyingAfterDelivery(ChannelDispatcher):
        dies = True

        def deliver(self, leaving: pd.DataFrame) -> pd.DataFrame:
            answered = super().deliver(leaving)
            if self.dies:
                self.dies = False
                raise Crash
            return answered

    dispatcher = DyingAfterDelivery(ACTIONS, {})
    passes = crashed(store, chain(action("a", "award_points")), dispatcher=dispatcher)
    assert len(passes.read("points_transactions")) == 0
    passes.run(MARCH + HOUR)
    assert passes.read("points_transactions")["points"].to_list() == [100]
    assert only(passes.read("executions"))["state"] == "COMPLETED"


def test_points_and_their_result_are_one_commit(store: JourneyStore) -> None:
    class DyingAfterEffect(ChannelDispatcher):
        dies = True

        def perform(self, sent: pd.DataFrame, transaction: Any) -> pd.DataFrame:
            done = super().perform(sent, transaction)
            if self.dies:
                self.dies = False
                raise Crash
            return done

    passes = crashed(store, chain(action("a", "award_points")), dispatcher=DyingAfterEffect(ACTIONS, {}))
    assert len(passes.read("points_transactions")) == 0
    passes.run(MARCH + HOUR)
    with store.transaction() as transaction:
        assert transaction.balances(ids("7"))["points_balance"].to_list() == [100]


def test_a_campaign_is_executed_exactly_once_over_a_crash(store: JourneyStore) -> None:
    deliver = CrashingOnce()
    passes = crashed(store, chain(action("a", "trigger_campaign", campaign_id=5)), deliver=deliver)
    passes.run(MARCH + HOUR, MARCH + HOUR + DAY)
    assert passes.read("campaign_executions")["campaign_id"].to_list() == [5]


def test_a_run_after_a_crash_ends_like_an_undisturbed_one(store: JourneyStore, tmp_path: Path) -> None:
    document = chain(action("a"), action("b", "award_points"), wait("w", duration="P1D"), action("c"))
    outbox = CrashingOutbox(tmp_path, takes=True)
    passes = crashed(store, document, dispatcher=through(outbox))
    passes.run(MARCH, MARCH + DAY)
    execution = only(passes.read("executions"))
    assert (execution["state"], execution["outcome"]) == ("COMPLETED", "done")
    assert passes.read("dispatches")["status"].to_list() == ["sent", "sent", "sent"]
    assert len(lines(outbox)) == 2


def test_all_that_a_dead_run_left_is_asked_after_by_the_next_one_however_small_the_chunks(
    store: JourneyStore, tmp_path: Path
) -> None:
    people = [str(number) for number in range(7)]
    outbox = CrashingOutbox(tmp_path, takes=True)
    everybody = {"features": features(people), "dispatcher": through(outbox)}
    crashed(store, chain(action("a")), **everybody)
    again = Passes(store, **everybody, chunk_rows=2)
    again.count = 1
    again.run(MARCH + HOUR)
    assert again.read("executions")["state"].to_list() == ["COMPLETED"] * 7
    assert len(lines(outbox)) == 7
