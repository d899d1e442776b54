from datetime import timedelta

import pandas as pd
import pytest

from journey_pipelines.engine.frames import EVENTS as EVENT_COLUMNS
from journey_pipelines.engine.frames import conform
from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots.parquet import EVENTS, FEATURES, PROFILES, SnapshotStore
from tests.unit.snapshots.builders import AS_OF, DAY, customers, features

VIP = "segments/vip"


def test_a_partition_reads_as_it_was_written(tmp_path):
    store = SnapshotStore(tmp_path)
    frame = features(
        "a",
        "b",
        visits=[1.0, None],
        seen_at=pd.Series([AS_OF, None], dtype="datetime64[us, UTC]"),
        is_vip=pd.Series([True, None], dtype=object),
        name=pd.Series(["x", None], dtype="str"),
        tags=[["x", "y"], None],
        counts=[[], [1, 2]],
    )
    store.write(FEATURES, DAY, frame)
    pd.testing.assert_frame_equal(store.read(FEATURES, DAY).frame, frame)


def test_lists_come_back_as_python_lists(tmp_path):
    store = SnapshotStore(tmp_path)
    store.write(FEATURES, DAY, features("a", tags=[["x"]]))
    assert type(store.read(FEATURES, DAY).frame["tags"].iloc[0]) is list


def test_the_id_names_kind_date_and_content(tmp_path):
    stored = SnapshotStore(tmp_path).write(VIP, DAY, customers("a"))
    assert stored.snapshot_id.startswith("segments/vip@2017-03-01@")
    assert stored.path == tmp_path / "segments" / "vip" / "2017-03-01.parquet"


def test_equal_rows_have_equal_ids_in_any_store(tmp_path):
    written = [SnapshotStore(tmp_path / name).write(VIP, DAY, customers("a", "b")) for name in ("one", "two")]
    assert written[0].snapshot_id == written[1].snapshot_id


def test_equal_rows_written_again_leave_the_file_alone(tmp_path):
    store = SnapshotStore(tmp_path)
    before = store.write(VIP, DAY, customers("a")).path.stat().st_ino
    assert store.write(VIP, DAY, customers("a")).path.stat().st_ino == before


@pytest.mark.parametrize("frame", [customers("a", "c"), customers("a"), features("a", "b", x=[1, 2])])
def test_other_rows_have_another_id(tmp_path, frame):
    store = SnapshotStore(tmp_path)
    first = store.write(FEATURES, DAY, customers("a", "b")).snapshot_id
    assert store.write(FEATURES, DAY, frame).snapshot_id != first


def test_a_frame_read_back_has_the_same_id(tmp_path):
    store = SnapshotStore(tmp_path)
    frame = features("a", "b", tags=[["x"], None], name=pd.Series([None, None], dtype="str"), visits=[1.0, None])
    first = store.write(FEATURES, DAY, frame)
    assert store.write(FEATURES, DAY, store.read(FEATURES, DAY).frame).snapshot_id == first.snapshot_id


def test_a_superseded_snapshot_stays_readable_by_its_id(tmp_path):
    store = SnapshotStore(tmp_path)
    old = store.write(VIP, DAY, customers("a"))
    new = store.write(VIP, DAY, customers("b"))
    assert store.open_id(old.snapshot_id).customers().tolist() == ["a"]
    assert store.open_id(new.snapshot_id).customers().tolist() == ["b"]
    assert store.days(VIP) == [DAY]


def test_a_snapshot_that_is_gone_says_how_to_go_on(tmp_path):
    store = SnapshotStore(tmp_path)
    stored = store.write(VIP, DAY, customers("a"))
    stored.path.unlink()
    with pytest.raises(SnapshotError, match=r"is gone: .* does not exist.*journeys approve"):
        store.open_id(stored.snapshot_id)


@pytest.mark.parametrize("snapshot_id", ["", "features", "features@2017-03-01", "features@2017-03-01@zz"])
def test_something_else_than_an_id_is_refused(tmp_path, snapshot_id):
    with pytest.raises(SnapshotError, match="no snapshot id"):
        SnapshotStore(tmp_path).open_id(snapshot_id)


def test_an_impossible_date_in_an_id_is_refused(tmp_path):
    with pytest.raises(SnapshotError, match="no snapshot id"):
        SnapshotStore(tmp_path).open_id("features@2017-02-30@0123456789abcdef")


def test_duplicate_customers_of_features_are_written_and_reported(tmp_path):
    stored = SnapshotStore(tmp_path).write(FEATURES, DAY, customers("a", "a", "b"))
    assert (stored.rows, stored.duplicate_customers) == (3, 1)


@pytest.mark.parametrize("kind", [VIP, PROFILES, "predictions/churn"])
def test_duplicate_customers_elsewhere_are_refused(tmp_path, kind):
    with pytest.raises(SnapshotError, match="more than once"):
        SnapshotStore(tmp_path).write(kind, DAY, customers("a", "a"))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"customer": ["a"]}), "no column customer_id"),
        (pd.DataFrame({"customer_id": [1]}), "expected text"),
        (customers("a", None), "without a customer_id"),
        (features("a", "b", mixed=[1, "x"]), "cannot be kept"),
    ],
)
def test_a_frame_with_a_structural_fault_leaves_nothing_behind(tmp_path, frame, message):
    with pytest.raises(SnapshotError, match=message):
        SnapshotStore(tmp_path).write(FEATURES, DAY, frame)
    assert list(tmp_path.rglob("*.*")) == []


def test_a_failed_write_keeps_the_old_partition(tmp_path, monkeypatch):
    store = SnapshotStore(tmp_path)
    store.write(FEATURES, DAY, customers("a"))

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.ParquetWriter.write_table", fail)
    with pytest.raises(SnapshotError, match="No space left"):
        store.write(FEATURES, DAY, customers("b"))
    assert store.read(FEATURES, DAY).frame["customer_id"].tolist() == ["a"]
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", ".hidden", "a b", "a\0b", "x" * 101, "a@b", "é"])
def test_a_hostile_segment_name_is_refused(tmp_path, name):
    with pytest.raises(SnapshotError, match="cannot name a snapshot"):
        SnapshotStore(tmp_path / "store").write(f"segments/{name}", DAY, customers("a"))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_partition_names_the_next_step(tmp_path):
    with pytest.raises(SnapshotError, match=r"no snapshot features of 2017-03-01 .* materialise that partition first"):
        SnapshotStore(tmp_path).read(FEATURES, DAY)


@pytest.mark.parametrize("size", [0, 4, 200])
def test_a_cut_off_file_is_refused_with_the_next_step(tmp_path, size):
    store = SnapshotStore(tmp_path)
    path = store.write(FEATURES, DAY, customers("a", "b")).path
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(SnapshotError, match=r"cannot be read.*materialise that partition again"):
        store.read(FEATURES, DAY)


def test_a_damaged_page_is_noticed(tmp_path):
    store = SnapshotStore(tmp_path)
    path = store.write(FEATURES, DAY, features("a", "b", visits=[11, 22])).path
    content = bytearray(path.read_bytes())
    content[40] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(SnapshotError, match="cannot be read"):
        store.read(FEATURES, DAY)


def test_a_damaged_partition_can_be_written_again(tmp_path):
    store = SnapshotStore(tmp_path)
    stored = store.write(FEATURES, DAY, customers("a"))
    stored.path.write_bytes(b"PAR1")
    assert store.write(FEATURES, DAY, customers("a")).snapshot_id == stored.snapshot_id
    assert store.read(FEATURES, DAY).rows == 1


def test_a_file_of_another_day_is_refused(tmp_path):
    store = SnapshotStore(tmp_path)
    path = store.write(FEATURES, DAY, customers("a")).path
    path.rename(store.path(FEATURES, DAY + timedelta(days=1)))
    with pytest.raises(SnapshotError, match="not its own"):
        store.read(FEATURES, DAY + timedelta(days=1))


def test_events_keep_data_of_any_shape(tmp_path):
    store = SnapshotStore(tmp_path)
    data = [{"amount": 1.5}, {}, {"nested": {"list": [1, None, "é"]}}]
    frame = customers("a", "a", "b").assign(event_id=["1", "2", "3"], event_type="x", data=data, is_used=False)
    frame = conform(frame.assign(occurred_at=AS_OF, received_at=AS_OF), EVENT_COLUMNS)
    store.write(EVENTS, DAY, frame)
    pd.testing.assert_frame_equal(store.read(EVENTS, DAY).frame, frame)


def test_an_empty_day_of_events_reads_back_empty(tmp_path):
    store = SnapshotStore(tmp_path)
    frame = conform(customers().assign(event_id=[], event_type=[], data=[], is_used=[]), EVENT_COLUMNS)
    store.write(EVENTS, DAY, frame)
    assert store.read(EVENTS, DAY).frame.dtypes.tolist() == frame.dtypes.tolist()


def test_the_newest_partition_is_not_later_than_the_day(tmp_path):
    store = SnapshotStore(tmp_path)
    for offset in (0, 2, 5):
        store.write(FEATURES, DAY + timedelta(days=offset), customers("a"))
    assert store.newest(FEATURES, DAY + timedelta(days=4)) == DAY + timedelta(days=2)
    assert store.newest(FEATURES, DAY - timedelta(days=1)) is None
