"""Push messages from the engine through FCM and back, over both stores."""

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from journey_pipelines.delivery.channel_dispatcher import ChannelDispatcher
from tests.behaviour.builders import MARCH, action, chain, only, profiles
from tests.behaviour.passes import ACTIONS, Passes
from tests.providers.loopback import LOSE_REPLY
from tests.providers.test_fcm import FcmStage
from tests.store.conftest import store

__all__ = ["store"]

HOUR = timedelta(hours=1)
PUSH = action("a", "send_push", title="Hello", body="You", data={"offer": 7})


@pytest.fixture
def stage():
    with FcmStage() as made:
        yield made


def passes_through(stage: FcmStage, store: Any, **settings: Any) -> Passes:
    dispatcher = ChannelDispatcher(ACTIONS, {"push": stage.channel_with(**settings)})
    return Passes(store, chain(PUSH), dispatcher=dispatcher, profiles=profiles(device_tokens={"7": ["old", "new"]}))


def test_a_push_of_unknown_fate_is_sent_again_after_a_day_and_shown_once(stage, store):
    passes = passes_through(stage, store)
    stage.fail(LOSE_REPLY)
    stage.fail(LOSE_REPLY)
    passes.run(MARCH)
    assert only(passes.read("dispatches"))["status"] == "unknown"
    passes.run(MARCH + HOUR)
    assert len(stage.taken()) == 2
    passes.run(MARCH + 25 * HOUR)
    row = only(passes.read("dispatches"))
    assert (row["status"], row["result"]["accepted"]) == ("sent", 2)
    assert sorted(stage.taken()) == ["new", "new", "old", "old"]
    assert len({message["android"]["notification"]["tag"] for message in stage.fake.accepted}) == 1


def test_a_dead_device_gets_nothing_any_more_and_stands_in_no_result(stage, store):
    stage.fake.refusals["old"] = (404, "UNREGISTERED")
    passes = passes_through(stage, store)
    passes.run(MARCH)
    row = only(passes.read("dispatches"))
    assert row["status"] == "sent"
    assert (row["result"]["devices"], row["result"]["accepted"], row["result"]["unregistered"]) == (2, 1, 1)
    assert "old" not in str(row["result"])
    with store.transaction() as transaction:
        assert transaction.suppressed("push", pd.Index(["old", "new"])).tolist() == ["old"]
