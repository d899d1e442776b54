"""Commands that work on the journey store, through the real command and a real database."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cli.project import Project, by_hand

DAY = "2017-03-01"
NEXT_DAY = "2017-03-02"
MORNING = "2017-03-01T09:00"
NEXT_MORNING = "2017-03-02T10:00"


def done(project: Project, *arguments: str) -> str:
    """What a command says that must succeed."""
    answer = project.call(*arguments)
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def refused(project: Project, *arguments: str) -> str:
    """What a command says that must fail."""
    answer = project.call(*arguments)
    assert answer.exit_code == 1, answer.output
    assert "Traceback" not in answer.output
    return answer.stderr


def rows(project: Project, table: str) -> list[dict[str, Any]]:
    """A table of the store."""
    with project.store.transaction() as transaction:
        found: list[dict[str, Any]] = transaction.read(table).to_dict("records")
        return found


def waiting_customer(project: Project) -> str:
    """Publish the journey, start customer 1 and run the day; gives the execution that waits for a purchase."""
    done(project, "publish", project.document())
    done(project, "start", "by-hand", "1", "--at", MORNING)
    done(project, "run", "--date", DAY)
    execution_id: str = rows(project, "executions")[0]["execution_id"]
    return execution_id


def test_the_first_publication_is_version_one(stored: Project) -> None:
    assert "Published journey by-hand, version 1 (live)" in done(stored, "publish", stored.document())


def test_publishing_the_same_again_changes_nothing(stored: Project) -> None:
    done(stored, "publish", stored.document())
    assert "nothing to publish" in done(stored, "publish", stored.document())


def test_the_plan_comes_before_the_publication(stored: Project) -> None:
    waiting_customer(stored)
    said = done(stored, "publish", stored.document(name="Renamed"))
    assert said.index("finish on their version") < said.index("Published journey by-hand, version 2")
    assert "1        purchase          1" in said


def test_a_plan_alone_publishes_nothing(stored: Project) -> None:
    done(stored, "publish", stored.document(), "--plan")
    assert "No journey is published yet" in done(stored, "status")


def test_an_unknown_feature_is_refused_at_publication(stored: Project) -> None:
    path = stored.document(entry={"rule": {">": [{"var": "shoe_size"}, 40]}})
    assert "shoe_size" in refused(stored, "publish", path)


def test_an_unknown_segment_is_refused_at_publication(stored: Project) -> None:
    assert "/entry/segment" in refused(stored, "publish", stored.document(entry={"segment": "nobody"}))


def test_a_day_is_run_twice_without_effect(stored: Project) -> None:
    waiting_customer(stored)
    assert "0 moves, 0 dispatches" in done(stored, "run", "--date", DAY)


def test_a_run_takes_in_the_days_events_and_campaigns(stored: Project) -> None:
    done(stored, "run", "--date", DAY)
    assert {row["received_at"].date().isoformat() for row in rows(stored, "events")} == {DAY}
    assert rows(stored, "campaigns")


def test_a_run_after_a_gap_takes_in_the_events_of_the_days_between(stored: Project) -> None:
    done(stored, "run", "--date", DAY)
    done(stored, "run", "--date", "2017-03-03")
    days = {row["received_at"].date().isoformat() for row in rows(stored, "events")}
    assert days == {DAY, NEXT_DAY, "2017-03-03"}


def test_a_run_without_a_live_journey_says_so(stored: Project) -> None:
    assert "No journey is live" in done(stored, "run", "--date", DAY)


def test_status_counts_executions_by_state_and_node(stored: Project) -> None:
    waiting_customer(stored)
    found = json.loads(done(stored, "status", "--json"))
    assert found["journeys"] == [
        {
            "key": "by-hand",
            "name": "Started by hand",
            "status": "live",
            "version": 1,
            "executions": {"NOT_STARTED": 0, "IN_PROGRESS": 0, "WAITING": 1, "COMPLETED": 0, "FAILED": 0},
            "nodes": [{"version": 1, "node": "purchase", "state": "WAITING", "count": 1}],
            "held": None,
        }
    ]
    assert found["dispatches"] == []
    assert found["last_run"]["kind"] == "run"
    assert found["last_run"]["is_closed"] is True


def test_status_shows_a_held_journey_until_it_is_approved(stored: Project) -> None:
    done(stored, "publish", stored.document(max_entries_per_run=1))
    for customer in ("1", "2"):
        done(stored, "start", "by-hand", customer, "--at", MORNING)
    said = done(stored, "run", "--date", DAY)
    assert "by-hand is held" in said
    held = json.loads(done(stored, "status", "--json"))["journeys"][0]["held"]
    assert f"journeys approve {held['run_id']}" in done(stored, "status")
    assert "Released: by-hand" in done(stored, "approve", held["run_id"])
    assert json.loads(done(stored, "status", "--json"))["journeys"][0]["held"] is None
    assert "by-hand: 2 customers entered" in done(stored, "run", "--date", DAY)


def test_approving_a_run_that_held_nothing_is_refused(stored: Project) -> None:
    assert "nothing-of-that-name" in refused(stored, "approve", "nothing-of-that-name")


def test_a_start_keeps_its_context(stored: Project) -> None:
    done(stored, "publish", stored.document())
    done(stored, "start", "by-hand", "1", "--context", '{"source": "desk"}')
    assert rows(stored, "starts")[0]["context"] == {"source": "desk"}


def test_a_start_with_undeclared_context_is_refused(stored: Project) -> None:
    done(stored, "publish", stored.document())
    assert "'colour'" in refused(stored, "start", "by-hand", "1", "--context", '{"colour": "red"}')
    assert rows(stored, "starts") == []


def test_a_start_in_an_unknown_journey_names_the_known_ones(stored: Project) -> None:
    done(stored, "publish", stored.document())
    assert "known: by-hand" in refused(stored, "start", "by-foot", "1")


@pytest.mark.parametrize("command", ["pause", "archive"])
def test_a_start_in_a_journey_that_is_not_live_is_refused(stored: Project, command: str) -> None:
    done(stored, "publish", stored.document())
    done(stored, command, "by-hand")
    assert "takes nobody" in refused(stored, "start", "by-hand", "1")


def test_a_file_with_a_bad_row_starts_nobody(stored: Project) -> None:
    done(stored, "publish", stored.document())
    path = stored.write("starts.csv", "customer_id,at\n1,2017-03-01\n2,soon\n,\n")
    said = refused(stored, "start", "by-hand", "--csv", path)
    assert "row 3" in said
    assert "row 4" in said
    assert rows(stored, "starts") == []


def test_a_file_that_is_given_twice_starts_once(stored: Project) -> None:
    done(stored, "publish", stored.document())
    path = stored.write("starts.csv", "customer_id,at,score\n1,2017-03-01,5\n2,2017-03-01,\n")
    assert "Queued 2 starts" in done(stored, "start", "by-hand", "--csv", path)
    assert "2 were queued before" in done(stored, "start", "by-hand", "--csv", path)
    assert len(rows(stored, "starts")) == 2


def test_a_start_names_a_customer_or_a_file(stored: Project) -> None:
    assert stored.call("start", "by-hand").exit_code == 2
    assert stored.call("start", "by-hand", "1", "--csv", "x.csv").exit_code == 2


def test_an_event_ends_the_wait_of_its_execution(stored: Project) -> None:
    execution = waiting_customer(stored)
    event = '{"event_type": "customer.purchase"}'
    assert "has ended at done" in done(stored, "continue", execution, "--event", event, "--at", NEXT_MORNING)
    assert rows(stored, "executions")[0]["outcome"] == "done"
    assert rows(stored, "transitions")[1]["branch"] == "event"


def test_the_fields_of_an_event_are_its_data(stored: Project) -> None:
    execution = waiting_customer(stored)
    before = {row["event_id"] for row in rows(stored, "events")}
    done(stored, "continue", execution, "--event", '{"event_type": "visit", "amount": 5, "data": {"shop": 3}}')
    added = [row for row in rows(stored, "events") if row["event_id"] not in before]
    assert [(row["event_type"], row["customer_id"], row["data"]) for row in added] == [
        ("visit", "1", {"shop": 3, "amount": 5})
    ]


def test_an_event_that_the_execution_does_not_wait_for_is_kept_with_a_word(stored: Project) -> None:
    execution = waiting_customer(stored)
    said = done(stored, "continue", execution, "--event", '{"event_type": "visit"}', "--at", NEXT_MORNING)
    assert "waits for customer.purchase" in said
    assert rows(stored, "executions")[0]["state"] == "WAITING"


def test_an_event_from_before_the_wait_is_kept_with_a_word(stored: Project) -> None:
    execution = waiting_customer(stored)
    event = '{"event_type": "customer.purchase"}'
    assert "moves nobody" in done(stored, "continue", execution, "--event", event, "--at", MORNING)


def test_the_same_event_id_is_added_once(stored: Project) -> None:
    execution = waiting_customer(stored)
    event = '{"event_type": "visit", "event_id": "v1"}'
    done(stored, "continue", execution, "--event", event, "--at", NEXT_MORNING)
    assert "known already" in done(stored, "continue", execution, "--event", event, "--at", NEXT_MORNING)


@pytest.mark.parametrize("event", ["{}", '{"event_type": ""}', '{"event_type": 5}'])
def test_an_event_without_a_type_is_refused(stored: Project, event: str) -> None:
    assert "event_type is" in refused(stored, "continue", "e1", "--event", event)


def test_data_of_an_event_that_is_no_object_is_refused(stored: Project) -> None:
    assert "data is [1]" in refused(stored, "continue", "e1", "--event", '{"event_type": "visit", "data": [1]}')


def test_an_event_for_an_unknown_execution_is_refused(stored: Project) -> None:
    assert "there is no execution e1" in refused(stored, "continue", "e1", "--event", '{"event_type": "visit"}').lower()


def test_a_cancelled_execution_ends_at_once(stored: Project) -> None:
    execution = waiting_customer(stored)
    assert "customer 1 left journey by-hand at purchase" in done(stored, "cancel", execution)
    ended = rows(stored, "executions")[0]
    assert (ended["state"], ended["outcome"]) == ("COMPLETED", "cancelled")
    assert "has ended already" in refused(stored, "cancel", execution)
    assert "takes no event" in refused(stored, "continue", execution, "--event", '{"event_type": "visit"}')


def test_a_paused_journey_moves_nobody_until_it_goes_on(stored: Project) -> None:
    execution = waiting_customer(stored)
    event = '{"event_type": "customer.purchase"}'
    done(stored, "pause", "by-hand")
    assert "is paused" in done(stored, "continue", execution, "--event", event, "--at", NEXT_MORNING)
    done(stored, "advance", "--as-of", "2017-03-02T11:00")
    assert rows(stored, "executions")[0]["state"] == "WAITING"
    done(stored, "resume", "by-hand")
    done(stored, "advance", "--as-of", "2017-03-02T12:00")
    assert rows(stored, "executions")[0]["state"] == "COMPLETED"


def test_an_archived_journey_cannot_be_resumed(stored: Project) -> None:
    done(stored, "publish", stored.document())
    done(stored, "archive", "by-hand")
    assert "is archived" in refused(stored, "resume", "by-hand")


def test_an_unknown_journey_cannot_be_paused(stored: Project) -> None:
    assert "none is published" in refused(stored, "pause", "by-hand")


def test_an_explanation_tells_the_story_in_order(stored: Project) -> None:
    execution = waiting_customer(stored)
    said = done(stored, "explain", execution)
    assert said.index("was started by hand") < said.index("They wait at purchase for customer.purchase")
    assert done(stored, "explain", "1") == said


def test_nobody_of_that_name_is_explained(stored: Project) -> None:
    assert "neither an execution nor a customer" in refused(stored, "explain", "nobody")


def test_an_unknown_feature_stops_a_run_before_anybody_moves(stored: Project) -> None:
    broken = {**by_hand(), "exit": {"rule": {">": [{"var": "shoe_size"}, 40]}}}
    with stored.store.transaction() as transaction:
        transaction.publish(broken, at=datetime(2017, 1, 1, tzinfo=UTC))
    done(stored, "start", "by-hand", "1", "--at", MORNING)
    assert "shoe_size" in refused(stored, "run", "--date", DAY)
    assert rows(stored, "executions") == []
