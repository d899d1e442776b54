"""A customer leaves snapshot files; whoever remains reads as before, and can still be checked."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from journey_pipelines.engine.facts import Repeated
from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots.erasure import check, erase, files_naming, is_marked
from journey_pipelines.snapshots.parquet import EVENTS, FEATURES, PROFILES, SnapshotStore
from journey_pipelines.snapshots.tombstones import TOMBSTONE_KEY
from tests.unit.snapshots.builders import AS_OF, DAY, customers, features

HOSTILE = "o'Br\"ien;--%_\\\n{Zoë}"
PEOPLE = sorted([HOSTILE, *(f"c{number:03d}" for number in range(99))])
OTHERS = [who for who in PEOPLE if who != HOSTILE]
LARGE = 8  # rows of a part: the file has many


def written(folder: Path, rows_of_a_part: int = 65_536) -> tuple[SnapshotStore, Path, str]:
    """A feature snapshot of a hundred customers with cells of several kinds."""
    store = SnapshotStore(folder, rows_of_a_part=rows_of_a_part)
    frame = features(*PEOPLE).assign(
        visits=range(100),
        rebate=[None if number % 3 == 0 else number / 3 for number in range(100)],
        name=pd.Series([None if number % 5 == 0 else f"name {number}" for number in range(100)], dtype="str"),
        is_vip=pd.Series([None, True, False, True] * 25, dtype=object),
        seen_at=pd.Series([AS_OF, None] * 50, dtype="datetime64[us, UTC]"),
        tags=[["x"], None, [], ["y", "z"]] * 25,
    )
    stored = store.write(FEATURES, DAY, frame)
    return store, stored.path, stored.snapshot_id


@pytest.mark.parametrize("rows_of_a_part", [65_536, LARGE])
def test_everybody_else_reads_as_before_under_the_same_id(tmp_path: Path, rows_of_a_part: int) -> None:
    store, path, snapshot_id = written(tmp_path, rows_of_a_part)
    before = store.open_id(snapshot_id)
    expected = store.read(FEATURES, DAY).frame.query("customer_id != @HOSTILE").reset_index(drop=True)
    assert erase(path, HOSTILE) == 1
    after = store.open_id(snapshot_id)
    assert (after.rows, after.parts) == (99, before.parts)
    pd.testing.assert_frame_equal(store.read(FEATURES, DAY).frame, expected)
    assert after.positions([HOSTILE]).tolist() == [-1]
    for column in ("visits", "rebate", "name"):
        cells = [snapshot.take(column, snapshot.positions(OTHERS)) for snapshot in (after, before)]
        assert pd.Series(cells[0], dtype="object").equals(pd.Series(cells[1], dtype="object"))
    assert HOSTILE.encode() not in path.read_bytes()


@pytest.mark.parametrize("rows_of_a_part", [65_536, LARGE])
def test_a_row_that_is_changed_afterwards_is_noticed(tmp_path: Path, rows_of_a_part: int) -> None:
    store, path, snapshot_id = written(tmp_path, rows_of_a_part)
    erase(path, HOSTILE)
    assert is_marked(path)
    assert check(path) is None
    assert store.is_unchanged(snapshot_id)
    table = pq.read_table(path)
    visits = table.column("visits").to_pylist()
    visits[50] += 1
    changed = table.set_column(table.schema.get_field_index("visits"), table.schema.field("visits"), [visits])
    pq.write_table(changed, path)
    assert check(path) == "its rows are not those that its tombstone was made for"
    assert not store.is_unchanged(snapshot_id)
    with pytest.raises(SnapshotError, match=r"its rows are not those .* materialise that partition again"):
        erase(path, OTHERS[3])


def test_a_row_that_was_changed_before_is_not_whitewashed(tmp_path: Path) -> None:
    store, path, snapshot_id = written(tmp_path)
    assert store.is_unchanged(snapshot_id)
    table = pq.read_table(path)
    tags = table.set_column(1, table.schema.field(1), [list(range(1, 101))])
    pq.write_table(tags, path)
    assert not store.is_unchanged(snapshot_id)
    erase(path, HOSTILE)
    assert check(path) is None
    assert not store.is_unchanged(snapshot_id)


def test_a_tombstone_belongs_to_its_id(tmp_path: Path) -> None:
    _, path, snapshot_id = written(tmp_path)
    erase(path, HOSTILE)
    table = pq.read_table(path)
    metadata = {**table.schema.metadata, b"snapshot_id": snapshot_id[:-1].encode() + b"x"}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    assert check(path) == f"its tombstone is of {snapshot_id}, not of {snapshot_id[:-1]}x"
    stone = metadata[TOMBSTONE_KEY].replace(b'"rows_removed": 1', b'"rows_removed": 2')
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, TOMBSTONE_KEY: stone}), path)
    assert check(path) == "its tombstone was changed"


def test_customers_are_forgotten_one_after_the_other(tmp_path: Path) -> None:
    store, path, snapshot_id = written(tmp_path)
    assert [erase(path, who) for who in (HOSTILE, "c001", "c001")] == [1, 1, 0]
    assert check(path) is None
    assert store.open_id(snapshot_id).rows == 98
    assert b'"rows_removed": 2' in pq.read_schema(path).metadata[TOMBSTONE_KEY]


def test_the_last_customer_leaves_an_empty_snapshot(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    stored = store.write("segments/vip", DAY, customers("a"))
    erase(stored.path, "a")
    assert store.open_id(stored.snapshot_id).rows == 0
    assert check(stored.path) is None


def test_all_kinds_and_superseded_files_are_found(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    for kind in (FEATURES, PROFILES, "segments/vip", "predictions/churn"):
        store.write(kind, DAY, customers("a", "b"))
    store.write(FEATURES, DAY, customers("a", "b", "c"))
    store.write(FEATURES, DAY + timedelta(days=1), customers("b"))
    event = {"event_id": ["e"], "customer_id": ["a"], "event_type": ["x"], "data": [{"amount": 1}]}
    store.write(EVENTS, DAY, pd.DataFrame(event).assign(occurred_at=AS_OF, received_at=AS_OF))
    found = files_naming(tmp_path, "a")
    assert sorted(str(path.relative_to(tmp_path)).partition("@")[0] for path in found) == [
        "events/2017-03-01.parquet",
        "features/2017-03-01.parquet",
        "features/superseded/2017-03-01",
        "predictions/churn/2017-03-01.parquet",
        "profiles/2017-03-01.parquet",
        "segments/vip/2017-03-01.parquet",
    ]
    for path in found:
        erase(path, "a")
        assert check(path) is None
    assert files_naming(tmp_path, "a") == {}
    assert store.read(EVENTS, DAY).rows == 0


def test_who_was_there_twice_is_named_no_more(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    stored = store.write(FEATURES, DAY, customers("a", "a", "b"))
    assert store.open(FEATURES, DAY).repeated() == Repeated(1, "a")
    assert erase(stored.path, "a") == 2
    assert store.open(FEATURES, DAY).repeated() is None


def test_rows_that_come_again_do_not_come_back_into_the_file(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    stored = store.write("segments/vip", DAY, customers("a", "b"))
    erase(stored.path, "a")
    assert store.write("segments/vip", DAY, customers("a", "b")).snapshot_id == stored.snapshot_id
    assert store.open("segments/vip", DAY).customers().tolist() == ["b"]
