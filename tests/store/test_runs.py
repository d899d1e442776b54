import pytest

from journey_pipelines.engine.ports import Hold, JourneyStore, Run, RunMode, SnapshotCounts
from journey_pipelines.errors import NotFoundError, StoreError
from tests.store.rows import HOUR, NOW, snapshots

COUNTS = SnapshotCounts("welcome", NOW, "features@1", 120, {"new_customers": ("segment@1", 40)})


def test_a_run_is_read_back_with_its_figures(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.open_run(Run("run-1", NOW, RunMode.REPLAY, "advance", "dagster-1"))
        transaction.close_run("run-1", {"entered": 3})
        [run] = transaction.read("runs").to_dict("records")
    assert run == {
        "run_id": "run-1",
        "as_of": NOW,
        "mode": "replay",
        "kind": "advance",
        "dagster_run_id": "dagster-1",
        "is_closed": True,
        "summary": {"entered": 3},
    }


def test_an_open_run_has_no_figures(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.open_run(Run("run-1", NOW))
        runs = transaction.read("runs", run_id="run-1")
    assert runs[["is_closed", "summary"]].to_numpy().tolist() == [[False, {}]]
    assert runs["dagster_run_id"].isna().all()


def test_the_same_run_id_twice_is_an_error(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.open_run(Run("run-1", NOW))
    with pytest.raises(StoreError, match="run-1"), store.transaction() as transaction:
        transaction.open_run(Run("run-1", NOW))


def test_an_unknown_run_cannot_be_closed(store: JourneyStore) -> None:
    with pytest.raises(NotFoundError, match="run-1"), store.transaction() as transaction:
        transaction.close_run("run-1", {})


def test_nothing_is_accepted_at_first(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        assert transaction.accepted("welcome") is None


def test_acceptance_replaces_the_one_before(store: JourneyStore) -> None:
    later = SnapshotCounts("welcome", NOW + HOUR, None, 0, {})
    with store.transaction() as transaction:
        transaction.accept(COUNTS)
        assert transaction.accepted("welcome") == COUNTS
        transaction.accept(later)
        assert transaction.accepted("welcome") == later


def test_holds_come_newest_first(store: JourneyStore) -> None:
    later = SnapshotCounts("welcome", NOW + HOUR, "features@2", 10, {})
    old, new = Hold("run-1", "welcome", "empty", COUNTS), Hold("run-2", "welcome", "shrunk", later)
    with store.transaction() as transaction:
        transaction.hold(old)
        transaction.hold(new)
        assert transaction.holds() == [new, old]
        assert transaction.holds("run-1") == [old]
        assert transaction.holds("nobody") == []


def test_holding_a_journey_again_in_one_run_replaces_the_hold(store: JourneyStore) -> None:
    again = Hold("run-1", "welcome", "shrunk", COUNTS)
    with store.transaction() as transaction:
        transaction.hold(Hold("run-1", "welcome", "empty", COUNTS))
        transaction.hold(again)
        assert transaction.holds() == [again]


def test_approval_names_the_journeys_of_the_run(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.hold(Hold("run-1", "welcome", "empty", COUNTS))
        transaction.hold(Hold("run-1", "retention", "empty", SnapshotCounts("retention", NOW, None, 0)))
        transaction.hold(Hold("run-2", "welcome", "empty", COUNTS))
        assert transaction.approve("run-1", at=NOW) == ["retention", "welcome"]
        assert [hold.approved_at for hold in transaction.holds("run-1")] == [NOW, NOW]
        assert [hold.approved_at for hold in transaction.holds("run-2")] == [None]


def test_a_run_that_held_nothing_cannot_be_approved(store: JourneyStore) -> None:
    with pytest.raises(NotFoundError, match="run-1"), store.transaction() as transaction:
        transaction.approve("run-1", at=NOW)


def test_holds_are_read_as_a_table_too(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.hold(Hold("run-1", "welcome", "empty", COUNTS))
        [held] = transaction.read("holds", journey_key="welcome").to_dict("records")
    assert held["segments"] == {"new_customers": ["segment@1", 40]}
    assert (held["as_of"], held["features_id"], held["features_rows"]) == (NOW, "features@1", 120)


def test_a_snapshot_is_recorded_once(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        assert transaction.record_snapshots(snapshots("one", "two")) == 2
        assert transaction.record_snapshots(snapshots("two", "three", rows=99)) == 1
        assert transaction.read("snapshots")["rows"].tolist() == [3, 3, 99]
