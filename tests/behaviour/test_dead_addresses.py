"""Addresses that a provider calls dead: they go on the suppression list with the result, which names none of them."""

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from journey_pipelines.engine.ports import JourneyStore
from tests.behaviour.builders import MARCH, action, chain, only, profiles
from tests.behaviour.passes import Passes

DAY = timedelta(days=1)
PUSH = action("a", "send_push", title="Hello", body="You")
DEVICES = profiles(device_tokens={"7": ["old", "new"]})


def answering(status: str, dead: dict[str, str]) -> Any:
    """A deliverer that answers so about everything."""

    def deliver(dispatches: pd.DataFrame) -> pd.DataFrame:
        result = {"reason": "x", "dead_addresses": dead}
        return pd.DataFrame({"key": dispatches["key"], "status": status, "result": [result] * len(dispatches)})

    return deliver


def suppressed(store: JourneyStore, channel: str) -> list[str]:
    with store.transaction() as transaction:
        return transaction.suppressed(channel, pd.Index(["old", "new", "+15550007"])).tolist()


@pytest.mark.parametrize("status", ["sent", "failed", "retry", "unknown"])
def test_a_dead_device_is_suppressed_whatever_became_of_the_message(store: JourneyStore, status: str) -> None:
    deliver = answering(status, {"old": "fcm_404: UNREGISTERED"})
    passes = Passes(store, chain(PUSH), deliver=deliver, profiles=DEVICES)
    passes.run(MARCH)
    assert suppressed(store, "push") == ["old"]
    assert suppressed(store, "sms") == []
    row = only(passes.read("dispatches"))
    assert row["status"] == status
    assert "dead_addresses" not in row["result"]
    assert "old" not in str(only(passes.read("executions"))["context"])


def test_the_next_message_leaves_for_the_devices_that_live(store: JourneyStore) -> None:
    seen: list[list[str]] = []

    def deliver(dispatches: pd.DataFrame) -> pd.DataFrame:
        seen.append(only(dispatches)["payload"]["to"])
        return answering("sent", {"old": "fcm_404: UNREGISTERED"})(dispatches)

    Passes(
        store, chain(PUSH, action("b", "send_push", title="Hello", body="Again")), deliver=deliver, profiles=DEVICES
    ).run(MARCH)
    assert seen == [["old", "new"], ["new"]]


def test_who_is_named_twice_is_suppressed_once(store: JourneyStore) -> None:
    deliver = answering("retry", {"old": "fcm_404: UNREGISTERED"})
    passes = Passes(
        store,
        chain({**PUSH, "config": {**PUSH["config"], "retry": {"backoff": "PT1H"}}}),
        deliver=deliver,
        profiles=DEVICES,
    )
    passes.run(MARCH, MARCH + DAY)
    assert suppressed(store, "push") == ["old"]


def test_a_number_that_its_provider_calls_dead_is_suppressed_for_sms(store: JourneyStore) -> None:
    deliver = answering("failed", {"+15550007": "twilio_21610"})
    Passes(store, chain(action("a")), deliver=deliver).run(MARCH)
    assert suppressed(store, "sms") == ["+15550007"]
