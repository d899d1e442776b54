"""A snapshot file in many parts reads as one frame does, cell by cell; a file that is not in parts reads as well."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from journey_pipelines.engine.facts import Repeated
from journey_pipelines.engine.frame_snapshot import FrameSnapshot
from journey_pipelines.engine.shards import ALL, SHARDS, Shards
from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots import file_snapshot, layout
from journey_pipelines.snapshots.file_snapshot import FileSnapshot
from journey_pipelines.snapshots.parquet import FEATURES, SnapshotStore
from tests.unit.snapshots.builders import AS_OF, DAY, customers, damage, features

ROWS_OF_A_PART = 8
PEOPLE = [f"c{number:03d}" for number in range(100)]
HOSTILE = [
    "",
    " ",
    "'; DROP TABLE",
    "a\nb",
    "Zoë",
    "\U0001f600",
    "NULL",
    "nan",
    "-1",
    "x" * 5_000,
    "\x00",
    "\u00e9",
    "e\u0301",
]


def every_third(values: Any) -> list[Any]:
    """The values, of which every third is missing."""
    return [None if number % 3 == 0 else value for number, value in enumerate(values)]


def everything() -> pd.DataFrame:
    """A hundred customers with a column of each kind that a snapshot can have."""
    numbers = range(len(PEOPLE))
    instants = [AS_OF + timedelta(hours=number) for number in numbers]
    return features(*PEOPLE).assign(
        visits=list(numbers),
        only_late=pd.Series([None] * 99 + [7], dtype="Int64"),
        spend=[number / 7 for number in numbers],
        rebate=every_third([number / 3 for number in numbers]),
        is_vip=[number % 2 == 0 for number in numbers],
        is_known=pd.Series(every_third([number % 2 == 0 for number in numbers]), dtype=object),
        tier=pd.Series([f"tier {number % 4}" for number in numbers], dtype="str"),
        name=pd.Series(every_third(HOSTILE * 8)[:100], dtype="str"),
        seen_at=pd.Series(every_third(instants), dtype="datetime64[us, UTC]"),
        born_on=pd.Series(every_third([date(1970, 1, 1) + timedelta(days=number) for number in numbers])),
        tags=pd.Series(every_third([["a", "b"][: number % 3] for number in numbers]), dtype=object),
        nothing=pd.Series([None] * 100, dtype=object),
    )


def rounded(frame: pd.DataFrame) -> pd.DataFrame:
    """With the types that the warehouse gives: whole numbers with nulls are floats, dates are texts."""
    return frame.astype({"only_late": "float64", "born_on": "str"})


@pytest.mark.parametrize("rows_of_a_part", [ROWS_OF_A_PART, 1_000])
def test_the_rows_of_a_file_are_those_that_its_id_names(tmp_path: Path, rows_of_a_part: int) -> None:
    store = SnapshotStore(tmp_path, rows_of_a_part=rows_of_a_part)
    stored = store.write(FEATURES, DAY, rounded(everything()))
    assert store.is_unchanged(stored.snapshot_id)
    table = pq.read_table(stored.path)
    other = table.set_column(2, "only_late", pa.array([None] * 100, pa.float64()))
    pq.write_table(other.replace_schema_metadata(table.schema.metadata), stored.path)
    assert not store.is_unchanged(stored.snapshot_id)


def opened(folder: Path, frame: pd.DataFrame, *, rows_of_a_part: int = ROWS_OF_A_PART) -> FileSnapshot:
    """The frame, written and opened."""
    store = SnapshotStore(folder, rows_of_a_part=rows_of_a_part)
    store.write(FEATURES, DAY, frame)
    snapshot = store.open(FEATURES, DAY)
    assert isinstance(snapshot, FileSnapshot)
    return snapshot


def whole(folder: Path, frame: pd.DataFrame) -> FrameSnapshot:
    """The frame as one that was read at once."""
    store = SnapshotStore(folder / "whole")
    store.write(FEATURES, DAY, frame)
    return store.read(FEATURES, DAY)


def cells(snapshot: FileSnapshot | FrameSnapshot, column: str, asked: Any) -> pd.Series:
    """A column of these customers; what is missing is None."""
    found = pd.Series(snapshot.take(column, snapshot.positions(asked)))
    return found.astype(object).where(found.notna(), None)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[FileSnapshot, FrameSnapshot]:
    """The same rows in parts and at once."""
    folder = tmp_path_factory.mktemp("both")
    return opened(folder, everything()), whole(folder, everything())


@pytest.mark.parametrize("column", everything().columns)
@pytest.mark.parametrize("asked", [PEOPLE, [*PEOPLE[::-7], "nobody", PEOPLE[3], PEOPLE[3]], [], ["nobody"]])
def test_cells_of_many_parts_are_those_of_one_frame(
    both: tuple[FileSnapshot, FrameSnapshot], column: str, asked: list[str]
) -> None:
    parts, frame = both
    assert parts.parts == 16
    pd.testing.assert_series_equal(cells(parts, column, asked), cells(frame, column, asked))


@pytest.mark.parametrize("column", everything().columns)
def test_a_column_has_one_type_in_every_part(both: tuple[FileSnapshot, FrameSnapshot], column: str) -> None:
    parts, frame = both
    expected = pd.Series(frame.take(column, np.arange(100))).dtype
    assert {pd.Series(parts.take(column, np.array([row]))).dtype for row in range(100)} == {expected}


def test_strings_that_try_to_break_out_are_found_as_they_are(tmp_path: Path) -> None:
    frame = customers(*HOSTILE).assign(number=range(len(HOSTILE)))
    parts = opened(tmp_path, frame, rows_of_a_part=2)
    assert cells(parts, "number", HOSTILE).tolist() == list(range(len(HOSTILE)))
    assert sorted(parts.customers()) == sorted(HOSTILE)


@pytest.mark.parametrize("ranges", [1, 2, 3, 16, 37, SHARDS])
def test_ranges_of_shards_hold_everybody_once_wherever_the_parts_end(tmp_path: Path, ranges: int) -> None:
    parts, frame = opened(tmp_path, everything()), whole(tmp_path, everything())
    found = [parts.customers(shards) for shards in ALL.split(ranges)]
    assert sorted(customer for some in found for customer in some) == PEOPLE
    assert [set(some) for some in found] == [set(frame.customers(shards)) for shards in ALL.split(ranges)]


def test_who_repeats_counts_with_the_first_row(tmp_path: Path) -> None:
    again = [*PEOPLE, *PEOPLE[10:13], PEOPLE[10]]
    parts = opened(tmp_path, customers(*again).assign(number=range(len(again))))
    assert parts.rows == 104
    assert cells(parts, "number", PEOPLE).tolist() == list(range(100))
    assert sorted(parts.customers()) == PEOPLE
    assert parts.repeated() == Repeated(customers=3, example="c010")
    assert opened(tmp_path / "alone", customers(*PEOPLE)).repeated() is None


def test_a_column_that_nobody_has_is_missing(tmp_path: Path) -> None:
    assert cells(opened(tmp_path, everything()), "absent", PEOPLE).tolist() == [None] * 100


def test_names_with_a_dot_are_columns_of_their_own(tmp_path: Path) -> None:
    frame = features("x", "y", a=[1, 2], **{"a.b": [3, 4], "a.b.c": [5, None]})
    parts = opened(tmp_path, frame, rows_of_a_part=1)
    assert [cells(parts, name, ["x", "y"]).tolist() for name in ("a", "a.b", "a.b.c")] == [[1, 2], [3, 4], [5.0, None]]


def test_a_snapshot_without_rows_knows_nobody(tmp_path: Path) -> None:
    parts = opened(tmp_path, everything().head(0))
    assert (parts.rows, parts.parts, len(parts.customers()), parts.repeated()) == (0, 1, 0, None)
    assert cells(parts, "visits", ["a"]).tolist() == [None]


def test_parts_in_which_nobody_is_are_passed_over(tmp_path: Path) -> None:
    lonely = [customer for customer in PEOPLE if Shards(512, 640).mask([customer])[0]]
    parts = opened(tmp_path, customers(*lonely).assign(number=range(len(lonely))), rows_of_a_part=1)
    assert parts.parts > len(lonely) > 2
    assert cells(parts, "number", PEOPLE).dropna().tolist() == list(range(len(lonely)))
    assert len(parts.customers(Shards(0, 512))) == 0


def test_only_the_columns_and_parts_that_are_asked_for_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = opened(tmp_path, everything())
    read: list[tuple[str, int]] = []
    read_part = FileSnapshot._read
    monkeypatch.setattr(FileSnapshot, "_read", lambda self, *key: (read.append(key), read_part(self, *key))[1])
    some = parts.customers(Shards(0, SHARDS // 8))
    cells(parts, "visits", some)
    assert sorted(read) == [("customer_id", 0), ("customer_id", 1), ("visits", 0), ("visits", 1)]


def test_no_more_is_kept_than_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_snapshot, "KEPT_BYTES", 300)
    parts = opened(tmp_path, everything())
    for column in parts.columns:
        cells(parts, column, PEOPLE)
        assert len(parts._kept) == 1 or sum(values.nbytes for values in parts._kept.values()) <= 300


def _rewritten(folder: Path, metadata: Mapping[bytes, bytes], **how: Any) -> FileSnapshot:
    """The file of a frame in parts, written by another program; `metadata` takes the place of what it says."""
    store = SnapshotStore(folder, rows_of_a_part=ROWS_OF_A_PART)
    path = store.write(FEATURES, DAY, everything()).path
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, **metadata}), path, **how)
    snapshot = store.open(FEATURES, DAY)
    assert isinstance(snapshot, FileSnapshot)
    return snapshot


@pytest.mark.parametrize("said", [b"", b"{}", b"[]", b"1", b'{"rows": [], "repeated": null, "probe": []}'])
def test_a_file_that_does_not_say_how_it_lies_is_one_part(tmp_path: Path, said: bytes) -> None:
    parts = _rewritten(tmp_path, {layout.LAYOUT_KEY: said})
    assert parts.parts == 1
    assert cells(parts, "visits", PEOPLE).tolist() == list(range(100))


def test_a_file_with_other_row_groups_than_it_says_is_one_part(tmp_path: Path) -> None:
    parts = _rewritten(tmp_path, {}, row_group_size=10)
    assert parts.parts == 1
    assert cells(parts, "visits", PEOPLE).tolist() == list(range(100))
    assert parts.repeated() is None


def test_a_file_that_was_laid_out_by_another_hash_is_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_shard_of(customer_ids: Any) -> np.ndarray:
        return np.array([len(customer) * 7 % SHARDS for customer in customer_ids])

    monkeypatch.setattr(layout, "shard_of", other_shard_of)
    store = SnapshotStore(tmp_path, rows_of_a_part=ROWS_OF_A_PART)
    store.write(FEATURES, DAY, everything())
    monkeypatch.undo()
    parts = store.open(FEATURES, DAY)
    assert parts.parts == 1
    assert parts.positions(PEOPLE).min() >= 0


def test_a_file_without_a_layout_says_who_repeats(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    path = store.write(FEATURES, DAY, customers("a", "b", "a")).path
    table = pq.read_table(path)
    said = {name: value for name, value in table.schema.metadata.items() if name != layout.LAYOUT_KEY}
    pq.write_table(table.replace_schema_metadata(said), path)
    assert store.open(FEATURES, DAY).repeated() == Repeated(customers=1, example="a")


def test_a_file_that_is_replaced_while_it_is_read_changes_nothing(tmp_path: Path) -> None:
    before = opened(tmp_path, everything())
    opened(tmp_path, everything().assign(visits=-1))
    assert cells(before, "visits", PEOPLE).tolist() == list(range(100))


def test_a_damaged_page_is_noticed_when_its_part_is_read(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path, rows_of_a_part=ROWS_OF_A_PART)
    path = store.write(FEATURES, DAY, everything()).path
    damage(path, row_group=5, column="tier")
    snapshot = store.open(FEATURES, DAY)
    assert cells(snapshot, "visits", PEOPLE).tolist() == list(range(100))
    with pytest.raises(SnapshotError, match=r"features of 2017-03-01 .*cannot be read.*materialise that partition"):
        cells(snapshot, "tier", PEOPLE)


@pytest.mark.parametrize("size", [0, 4, 2_000, -1])
def test_a_cut_off_file_is_refused_when_it_is_opened(tmp_path: Path, size: int) -> None:
    store = SnapshotStore(tmp_path, rows_of_a_part=ROWS_OF_A_PART)
    path = store.write(FEATURES, DAY, everything()).path
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(SnapshotError, match=r"features of 2017-03-01 .*cannot be read.*materialise that partition"):
        store.open(FEATURES, DAY)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"customer": ["a"]}), r"no column customer_id \(found: customer\)"),
        (pa.table({"customer_id": [1]}), "expected text"),
        (pa.table({"customer_id": ["a", None]}), "without a customer_id"),
        (pa.table({"customer_id": ["a"], "record": [{"x": 1}]}), "column 'record' has type"),
    ],
)
def test_a_file_with_other_columns_than_a_snapshot_is_refused(tmp_path: Path, table: Any, message: str) -> None:
    path = tmp_path / "other.parquet"
    pq.write_table(table, path)
    with pytest.raises(SnapshotError, match=message):
        FileSnapshot(path, name="Snapshot", snapshot_id="x", snapshot_date=DAY)


def test_the_number_of_parts_is_a_power_of_two_and_no_more_than_the_shards() -> None:
    table = pa.table({"customer_id": PEOPLE})
    sizes = {rows: len(layout.laid_out(table, None, rows_of_a_part=rows)[1].rows) for rows in (1_000, 100, 99, 30, 1)}
    assert sizes == {1_000: 1, 100: 1, 99: 2, 30: 4, 1: 128}
    many = pa.table({"customer_id": [str(number) for number in range(1_100)]})
    assert len(layout.laid_out(many, None, rows_of_a_part=1)[1].rows) == SHARDS
