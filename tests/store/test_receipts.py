"""What providers tell of messages: each event once, and applied once."""

from datetime import timedelta

import pandas as pd

from journey_pipelines.engine.ports import JourneyStore
from tests.store.rows import HOUR, NOW, changes, dispatches, executions, receipts

DAY = timedelta(days=1)


def keys_of(frame: pd.DataFrame) -> list[str]:
    return frame["dispatch_key"].tolist()


def with_dispatches(store: JourneyStore, *names: str, status: str | list[str] = "sent") -> list[str]:
    requested = dispatches(*names, status=status)
    with store.transaction() as transaction:
        transaction.add_executions(executions(*names))
        transaction.save(changes(requested=requested))
    return requested["key"].tolist()


def test_an_event_that_comes_again_is_left_out(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        assert keys_of(transaction.add_receipts(receipts("a:m:1", "b:m:1"))) == ["a:m:1", "b:m:1"]
    with store.transaction() as transaction:
        twice = pd.concat([receipts("b:m:1", "c:m:1"), receipts("c:m:1")])
        assert keys_of(transaction.add_receipts(twice)) == ["c:m:1"]
        assert len(transaction.add_receipts(receipts("a:m:1", provider="twilio"))) == 1
        assert len(transaction.read("receipts")) == 4


def test_receipts_are_taken_in_their_order_until_they_are_applied(store: JourneyStore) -> None:
    first, second = with_dispatches(store, "a", "b")
    with store.transaction() as transaction:
        transaction.add_receipts(receipts(first, second, at=[NOW + HOUR, NOW]))
        taken = transaction.take_receipts(["welcome"], limit=9)
        assert keys_of(taken) == [second, first]
        assert keys_of(transaction.take_receipts(["welcome"], limit=1)) == [second]
        transaction.mark_applied(taken.head(1))
        assert keys_of(transaction.take_receipts(["welcome"], limit=9)) == [first]


def test_receipts_wait_for_those_that_are_on_their_way_and_leave_out_strangers(store: JourneyStore) -> None:
    statuses = ["pending", "sending", "retry", "unknown", "sent", "failed", "skipped"]
    keys = with_dispatches(store, *statuses, status=statuses)
    with store.transaction() as transaction:
        transaction.add_receipts(receipts(*keys, "stranger:m:1", "x"))
        transaction.add_receipts(receipts("e", dispatch_key=None))
        assert sorted(keys_of(transaction.take_receipts(["welcome"], limit=99))) == sorted(keys[3:])
        assert len(transaction.take_receipts(["another"], limit=99)) == 0


def test_dispatches_are_found_by_their_keys_settled_ones_too(store: JourneyStore) -> None:
    keys = with_dispatches(store, "b", "a", status=["sent", "pending"])
    with store.transaction() as transaction:
        asked = pd.Index([*keys, "nobody:m:1"])
        assert transaction.dispatches_with(asked)["key"].tolist() == sorted(keys)
        assert transaction.dispatches_with(asked[:1])["key"].tolist() == keys[:1]
        assert len(transaction.dispatches_with(pd.Index([], dtype="str"))) == 0


def test_old_receipts_go_with_retention(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_receipts(receipts("old:m:1", "new:m:1", at=[NOW, NOW + 30 * DAY]))
    assert store.retain(as_of=NOW + 31 * DAY, days=10).removed["receipts"] == 1
    with store.transaction() as transaction:
        assert keys_of(transaction.read("receipts")) == ["new:m:1"]
