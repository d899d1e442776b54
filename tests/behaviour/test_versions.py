"""Versions: frozen when published; pause, resume, archive; what becomes of those who are inside."""

from datetime import timedelta

import pandas as pd
import pytest

from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.engine.publication import publication_plan
from tests.behaviour.builders import MARCH, action, chain, days, features, only, wait
from tests.behaviour.passes import Passes

DAY = timedelta(days=1)
LATER = days(2, first=MARCH + DAY)


def says(message: str, **keys: object) -> dict[str, object]:
    """A journey that waits a day and then sends this text."""
    return chain(wait("w", duration="P1D"), action("a", message=message), **keys)


def texts(passes: Passes) -> dict[str, str]:
    """What was sent to whom."""
    sent = passes.read("dispatches", status="sent")
    return {who: payload["message"] for who, payload in zip(sent["customer_id"], sent["payload"], strict=True)}


def nodes(passes: Passes) -> dict[str, str]:
    """Where everybody stands."""
    executions = passes.read("executions")
    return dict(zip(executions["customer_id"], executions["current_node_id"], strict=True))


def test_a_published_version_does_not_change_with_the_document_it_came_from(store: JourneyStore) -> None:
    document = says("one")
    passes = Passes(store, document)
    document["nodes"][2]["config"]["message"] = "changed behind its back"  # type: ignore[index]
    passes.run(MARCH, MARCH + DAY)
    assert texts(passes) == {"7": "one"}


def test_an_execution_finishes_on_the_version_it_entered(store: JourneyStore) -> None:
    passes = Passes(store, says("one"))
    passes.run(MARCH)
    assert passes.publish(says("two")) == 2
    passes.run(MARCH + DAY)
    assert texts(passes) == {"7": "one"}
    assert only(passes.read("executions"))["journey_version"] == 1


def test_an_execution_finishes_on_its_version_when_the_newest_one_lacks_its_node(store: JourneyStore) -> None:
    passes = Passes(store, says("one"))
    passes.run(MARCH)
    passes.publish(chain())
    passes.run(MARCH + DAY)
    assert only(passes.read("executions"))["outcome"] == "done"
    assert texts(passes) == {"7": "one"}


def test_customers_enter_the_newest_version(store: JourneyStore) -> None:
    people = pd.concat([features(["1"], dates=["2017-03-01"]), features(["1", "2"], dates=["2017-03-02"])])
    passes = Passes(store, says("one"), features=people)
    passes.run(MARCH)
    passes.publish(says("two"))
    passes.run(MARCH + DAY, MARCH + 2 * DAY)
    assert texts(passes) == {"1": "one", "2": "two"}


def test_a_paused_journey_takes_no_entries(store: JourneyStore) -> None:
    passes = Passes(store, says("one"))
    passes.set_status("paused")
    passes.run(MARCH)
    assert len(passes.read("executions")) == 0


def test_in_a_paused_journey_nobody_moves_and_due_times_stay(store: JourneyStore) -> None:
    passes = Passes(store, says("one"))
    passes.run(MARCH)
    before = passes.read("executions")
    passes.set_status("paused")
    passes.run(*days(9, first=MARCH + DAY))
    pd.testing.assert_frame_equal(passes.read("executions"), before)
    assert before["due_at"].to_list() == [MARCH + DAY]
    assert len(passes.read("dispatches")) == 0


def test_what_was_to_be_sent_again_stays_while_the_journey_is_paused(store: JourneyStore) -> None:
    calls: list[int] = []

    def deliver(dispatches: pd.DataFrame) -> pd.DataFrame:
        calls.append(len(dispatches))
        return pd.DataFrame({"key": dispatches["key"], "status": "retry", "result": None})

    passes = Passes(store, chain(action("a", retry={"attempts": 5, "backoff": "PT1H"})), deliver=deliver)
    passes.run(MARCH)
    passes.set_status("paused")
    passes.run(*LATER)
    assert calls == [1]


def test_a_resumed_journey_goes_on_where_it_stood(store: JourneyStore) -> None:
    passes = Passes(store, says("one"))
    passes.run(MARCH)
    passes.set_status("paused")
    passes.run(MARCH + DAY)
    passes.set_status("live")
    passes.run(MARCH + 2 * DAY)
    assert texts(passes) == {"7": "one"}
    assert only(passes.read("executions"))["state"] == "COMPLETED"


def test_a_send_that_grew_stale_during_a_pause_is_skipped(store: JourneyStore) -> None:
    passes = Passes(store, says("one", stale_after="P3D"))
    passes.run(MARCH)
    passes.set_status("paused")
    passes.run(MARCH + DAY)
    passes.set_status("live")
    passes.run(MARCH + 9 * DAY)
    assert only(passes.read("dispatches"))["reason"] == "stale"


def test_publishing_does_not_wake_a_paused_journey(store: JourneyStore) -> None:
    passes = Passes(store, says("one"))
    passes.set_status("paused")
    passes.publish(says("two"))
    passes.run(MARCH)
    assert len(passes.read("executions")) == 0


def test_an_archived_journey_takes_no_entries_and_what_is_in_it_finishes(store: JourneyStore) -> None:
    people = pd.concat([features(["1"], dates=["2017-03-01"]), features(["1", "2"], dates=["2017-03-02"])])
    passes = Passes(store, says("one"), features=people)
    passes.run(MARCH)
    passes.set_status("archived")
    passes.run(MARCH + DAY)
    assert texts(passes) == {"1": "one"}
    assert passes.read("executions")["state"].to_list() == ["COMPLETED"]


def test_older_versions_of_an_archived_journey_finish_too(store: JourneyStore) -> None:
    passes = Passes(store, says("one"))
    passes.run(MARCH)
    passes.publish(says("two"))
    passes.set_status("archived")
    passes.run(MARCH + DAY)
    assert texts(passes) == {"7": "one"}


def test_reentry_never_holds_across_versions(store: JourneyStore) -> None:
    passes = Passes(store, chain())
    passes.run(MARCH)
    passes.publish(chain(name="Renamed"))
    passes.run(*LATER)
    assert passes.read("executions")["journey_version"].to_list() == [1]


@pytest.mark.parametrize("reentry", ["after_end", "P1D"])
def test_who_may_come_again_enters_the_new_version_as_a_second_entry(store: JourneyStore, reentry: str) -> None:
    entry = {"rule": {"!!": [1]}, "reentry": reentry}
    passes = Passes(store, chain(entry=entry))
    passes.run(MARCH)
    passes.publish(chain(entry=entry, name="Renamed"))
    passes.run(MARCH + DAY)
    executions = passes.read("executions")
    assert executions["journey_version"].to_list() == [1, 2]
    assert executions["entry_number"].to_list() == [1, 2]


def test_the_plan_says_how_many_stand_at_each_node_of_each_version_and_what_becomes_of_them(
    store: JourneyStore,
) -> None:
    people = pd.concat([features(["1", "2"], dates=["2017-03-01"]), features(["1", "2", "3"], dates=["2017-03-02"])])
    first = chain(wait("w", duration="P9D"))
    passes = Passes(store, first, features=people)
    passes.run(MARCH)
    passes.publish(chain(wait("x", duration="P9D")))
    passes.run(MARCH + DAY)
    with store.transaction() as transaction:
        plan = publication_plan(transaction.status_counts(), "test")
    assert plan.to_dict("records") == [
        {"journey_version": 1, "node_id": "w", "count": 2, "fate": "keep"},
        {"journey_version": 2, "node_id": "x", "count": 1, "fate": "keep"},
    ]


def test_who_has_ended_is_not_in_the_plan(store: JourneyStore) -> None:
    passes = Passes(store, chain())
    passes.run(MARCH)
    with store.transaction() as transaction:
        assert len(publication_plan(transaction.status_counts(), "test")) == 0
