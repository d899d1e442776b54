"""A file of manual starts is read whole or not at all."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from journey_pipelines.cli.start_rows import StartRowsError, starts_of_csv
from journey_pipelines.errors import JourneysError

NOW = datetime(2017, 3, 5, tzinfo=UTC)


def read(folder: Path, text: str | bytes) -> pd.DataFrame:
    path = folder / "starts.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return starts_of_csv("welcome", path, at=NOW, declared=["source", "score"])


def test_a_row_without_a_time_starts_now(tmp_path: Path) -> None:
    starts = read(tmp_path, "customer_id,at\n1,2017-03-01T09:00+01:00\n2,\n")
    assert starts["at"].tolist() == [pd.Timestamp("2017-03-01 08:00", tz="UTC"), pd.Timestamp(NOW)]


def test_other_columns_become_context(tmp_path: Path) -> None:
    starts = read(tmp_path, "source,customer_id,score\nweb,1,10\n,2,010\n")
    assert starts["context"].tolist() == [{"source": "web", "score": 10}, {"score": "010"}]


def test_a_customer_id_stays_text(tmp_path: Path) -> None:
    assert read(tmp_path, "customer_id\n007\n")["customer_id"].tolist() == ["007"]


def test_the_same_row_has_the_same_id_every_time(tmp_path: Path) -> None:
    text = "customer_id,at\n1,2017-03-01\n"
    assert read(tmp_path, text)["start_id"].tolist() == read(tmp_path, text)["start_id"].tolist()


def test_blank_lines_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeffcustomer_id\n1\n\n2\n")["customer_id"].tolist() == ["1", "2"]


def test_a_file_with_a_header_alone_starts_nobody(tmp_path: Path) -> None:
    assert len(read(tmp_path, "customer_id,source\n")) == 0


def test_all_bad_rows_are_reported_at_once(tmp_path: Path) -> None:
    text = "customer_id,at,colour\n1,2017-03-01,red\n,,\n2,soon,\n3\n1,2017-03-01,\n"
    with pytest.raises(StartRowsError) as failure:
        read(tmp_path, text)
    assert [problem.path for problem in failure.value.problems] == ["row 1", "row 3", "row 4", "row 5", "row 6"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "is empty"),
        (b"customer\n1\n", "no column customer_id"),
        (b"customer_id,customer_id\n1,1\n", "more than once"),
        (b"customer_id\n\xff\n", "is not UTF-8"),
        (b'customer_id\n"1\n', "is not CSV"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: bytes, complaint: str) -> None:
    with pytest.raises(JourneysError, match=complaint):
        read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(JourneysError, match="there is no file"):
        starts_of_csv("welcome", tmp_path / "none.csv", at=NOW, declared=[])
