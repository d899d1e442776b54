"""What a provider tells later settles what is of unknown fate, and stands in results that are there."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from journey_pipelines.engine.ports import JourneyStore
from tests.behaviour.builders import MARCH, START, action, answers, chain, edge, end, features, journey, only, profiles
from tests.behaviour.passes import Passes
from tests.store.rows import receipts

HOUR = timedelta(hours=1)


def tell(passes: Passes, *outcomes: str, **given: Any) -> None:
    """Receipts of the only dispatch, an hour after the first run each."""
    key = only(passes.read("dispatches"))["key"]
    count = len(passes.read("receipts"))
    events = [f"event-{count + number}" for number in range(len(outcomes))]
    told = receipts(*[key] * len(outcomes), **{"event_id": events, "outcome": list(outcomes), "at": MARCH, **given})
    with passes.store.transaction() as transaction:
        transaction.add_receipts(told)


def unknown(store: JourneyStore, **options: Any) -> Passes:
    passes = Passes(store, chain(action("a", **options)), deliver=answers("unknown"))
    passes.run(MARCH)
    assert only(passes.read("dispatches"))["status"] == "unknown"
    return passes


def test_a_delivery_settles_a_dispatch_of_unknown_fate_before_settle_after(store: JourneyStore) -> None:
    passes = unknown(store)
    tell(passes, "accepted", "delivered")
    passes.run(MARCH + HOUR)
    row = only(passes.read("dispatches"))
    assert (row["status"], row["result"]["delivery"], row["result"]["success"]) == ("sent", "delivered", True)
    assert "confirmed" not in row["result"]
    assert only(passes.read("executions"))["state"] == "COMPLETED"


def test_a_refusal_fails_a_dispatch_of_unknown_fate(store: JourneyStore) -> None:
    passes = unknown(store)
    tell(passes, "accepted", "failed", reason=[None, "bounced"])
    passes.run(MARCH + HOUR)
    row = only(passes.read("dispatches"))
    assert (row["status"], row["reason"]) == ("failed", "bounced")
    assert only(passes.read("executions"))["failure"] == "action_failed: send_sms at a: bounced"


def sent(store: JourneyStore) -> Passes:
    """Somebody who waits for a day after a message."""
    document = journey(
        [START, action("a"), {"id": "w", "type": "wait", "config": {"duration": "P1D"}}, end("done")],
        [edge("start", "a"), edge("a", "w"), edge("w", "done")],
    )
    passes = Passes(store, document)
    passes.run(MARCH)
    return passes


def known(passes: Passes) -> dict[str, Any]:
    """The result as the dispatch and the context of its execution have it."""
    result: dict[str, Any] = only(passes.read("dispatches"))["result"]
    assert only(passes.read("executions"))["context"]["action_result_a"] == result
    return result


def test_a_delivery_stands_in_the_result_and_in_what_conditions_read(store: JourneyStore) -> None:
    passes = sent(store)
    before = known(passes)
    tell(passes, "delivered")
    passes.run(MARCH + HOUR)
    assert known(passes) == {**before, "delivery": "delivered", "delivery_at": MARCH.isoformat()}
    assert only(passes.read("executions"))["current_node_id"] == "w"


def test_a_bounce_and_what_the_customer_did_stand_there_too(store: JourneyStore) -> None:
    passes = sent(store)
    tell(passes, "delivered", "failed", "unsubscribed", at=[MARCH, MARCH + HOUR, MARCH], reason=[None, "bounced", None])
    passes.run(MARCH + 2 * HOUR)
    result = known(passes)
    assert (result["delivery"], result["delivery_reason"], result["unsubscribed"]) == ("failed", "bounced", True)
    assert only(passes.read("dispatches"))["status"] == "sent"


@pytest.mark.parametrize("apart", [False, True])
def test_of_two_deliveries_the_later_one_counts_whenever_they_come(store: JourneyStore, apart: bool) -> None:
    passes = sent(store)
    tell(passes, "delivered", at=MARCH + HOUR)
    if apart:
        passes.run(MARCH + 2 * HOUR)
    tell(passes, "failed", at=MARCH, reason="deferred")
    passes.run(MARCH + 3 * HOUR)
    assert known(passes)["delivery"] == "delivered"
    assert "delivery_reason" not in known(passes)


def test_a_send_that_was_never_confirmed_is_by_a_receipt(store: JourneyStore) -> None:
    passes = unknown(store)
    passes.run(MARCH + 25 * HOUR)
    assert only(passes.read("dispatches"))["result"]["confirmed"] is False
    tell(passes, "accepted")
    passes.run(MARCH + 26 * HOUR)
    assert only(passes.read("dispatches"))["result"]["confirmed"] is True


def test_receipts_are_applied_once(store: JourneyStore) -> None:
    passes = sent(store)
    tell(passes, "delivered")
    passes.run(MARCH + HOUR)
    assert passes.read("receipts")["is_applied"].all()
    before = only(passes.read("dispatches"))
    passes.run(MARCH + 2 * HOUR)
    assert only(passes.read("dispatches")).equals(before)


def test_a_paused_journey_keeps_its_receipts_for_later(store: JourneyStore) -> None:
    passes = unknown(store)
    tell(passes, "delivered")
    passes.set_status("paused")
    passes.run(MARCH + HOUR)
    assert not passes.read("receipts")["is_applied"].any()


def test_many_receipts_are_applied_in_chunks(store: JourneyStore) -> None:
    people = [str(number) for number in range(25)]
    passes = Passes(store, chain(action("a")), features=features(people), profiles=profiles(people))
    passes.run(MARCH)
    keys = passes.read("dispatches")["key"]
    with store.transaction() as transaction:
        transaction.add_receipts(receipts(*keys, at=MARCH))
    passes.engine = replace(passes.engine, send_rows=10)
    passes.run(MARCH + HOUR)
    results = pd.DataFrame(passes.read("dispatches")["result"].tolist())
    assert (results["delivery"] == "delivered").all()
