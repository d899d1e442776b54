from datetime import datetime, timedelta, timezone

import pytest

from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots.parquet import FEATURES, PROFILES, SnapshotStore
from journey_pipelines.snapshots.sources import ParquetSource
from tests.unit.snapshots.builders import AS_OF, DAY, customers

NEXT_DAY = DAY + timedelta(days=1)
VIP = "segments/vip"


def test_without_any_partition_nothing_is_known(tmp_path):
    facts = ParquetSource(SnapshotStore(tmp_path)).at(AS_OF)
    assert facts.features is None
    assert facts.segments == {}
    assert facts.profiles is None


def test_a_run_sees_the_newest_partitions_on_or_before_its_date(tmp_path):
    store = SnapshotStore(tmp_path)
    for day, name in ((DAY - timedelta(days=3), "old"), (DAY, "today"), (NEXT_DAY, "later")):
        for kind in (FEATURES, PROFILES, VIP):
            store.write(kind, day, customers(name))
    facts = ParquetSource(store).at(AS_OF)
    assert facts.features.customers().tolist() == ["today"]
    assert facts.profiles.customers().tolist() == ["today"]
    assert facts.segments["vip"].snapshot_date == DAY


def test_the_date_of_a_run_is_that_in_utc(tmp_path):
    store = SnapshotStore(tmp_path)
    store.write(FEATURES, DAY, customers("today"))
    store.write(FEATURES, NEXT_DAY, customers("next"))
    late_evening = datetime(2017, 3, 1, 22, 0, tzinfo=timezone(timedelta(hours=-5)))
    assert ParquetSource(store).at(late_evening).features.snapshot_date == NEXT_DAY


def test_a_segment_that_the_warehouse_dropped_is_not_known(tmp_path):
    store = SnapshotStore(tmp_path)
    store.write(VIP, DAY, customers("a"))
    store.write("segments/gone", DAY, customers("a"))
    facts = ParquetSource(store, segments=["vip"]).at(AS_OF)
    assert set(facts.segments) == {"vip"}


def test_a_pinned_day_hides_older_and_newer_partitions(tmp_path):
    store = SnapshotStore(tmp_path)
    for day in (DAY, NEXT_DAY):
        store.write(FEATURES, day, customers("a"))
    store.write(VIP, DAY - timedelta(days=1), customers("a"))
    facts = ParquetSource(store, pinned_date=DAY).at(AS_OF + timedelta(days=9))
    assert facts.features.snapshot_date == DAY
    assert facts.segments == {}


def test_a_pinned_day_without_features_is_an_error(tmp_path):
    store = SnapshotStore(tmp_path)
    store.write(FEATURES, DAY - timedelta(days=1), customers("a"))
    with pytest.raises(SnapshotError, match="no snapshot features of 2017-03-01"):
        ParquetSource(store, pinned_date=DAY).at(AS_OF)


def test_a_pinned_day_after_as_of_would_look_ahead_and_is_refused(tmp_path):
    with pytest.raises(SnapshotError, match="lie after"):
        ParquetSource(SnapshotStore(tmp_path), pinned_date=NEXT_DAY).at(AS_OF)


def test_a_damaged_partition_is_an_error_and_not_skipped(tmp_path):
    store = SnapshotStore(tmp_path)
    store.write(FEATURES, DAY - timedelta(days=1), customers("a"))
    store.write(FEATURES, DAY, customers("a")).path.write_bytes(b"")
    with pytest.raises(SnapshotError, match="cannot be read"):
        ParquetSource(store).at(AS_OF)


def test_members_of_an_earlier_snapshot_are_found_by_its_id(tmp_path):
    store = SnapshotStore(tmp_path)
    earlier = store.write(VIP, DAY, customers("a", "b"))
    store.write(VIP, DAY, customers("c"))
    assert ParquetSource(store).segment("vip", earlier.snapshot_id).customers().tolist() == ["a", "b"]


def test_customers_of_an_earlier_feature_snapshot_are_unique(tmp_path):
    store = SnapshotStore(tmp_path)
    earlier = store.write(FEATURES, DAY, customers("a", "a"))
    assert ParquetSource(store).features(earlier.snapshot_id).customers().tolist() == ["a"]


def test_members_by_the_id_of_something_else_are_refused(tmp_path):
    store = SnapshotStore(tmp_path)
    other = store.write(FEATURES, DAY, customers("a"))
    with pytest.raises(SnapshotError, match="no snapshot of segments/vip"):
        ParquetSource(store).segment("vip", other.snapshot_id)
