"""What `journeys bench` loads by COPY is what the engine would have written."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pandas as pd
import psycopg
import pytest

from journey_pipelines.bench.layout import layout_statements
from journey_pipelines.bench.snapshot_files import SnapshotFiles
from journey_pipelines.bench.standing import (
    AS_OF,
    DOCUMENT,
    DUE_AT,
    ENTERED_AT,
    INDEXED,
    SCHEMA,
    SEGMENT,
    Standing,
    is_engaged,
    load_standing,
    make_features,
    make_standing,
    write_snapshots,
)
from journey_pipelines.bench.whole_engine import engine_over, publish
from journey_pipelines.engine.passes import advance_pass, run_pass
from journey_pipelines.engine.ports import JourneyStore, Run
from journey_pipelines.snapshots.sources import ParquetSource
from journey_pipelines.store.postgres import PostgresStore

ROWS = 40
FEATURES = make_features(ROWS)
EVERYBODY = make_standing(rows=ROWS, stored=ROWS, is_scattered=False)


def source_of(folder: Path, standing: Standing) -> ParquetSource:
    files = SnapshotFiles(folder, SEGMENT)
    write_snapshots(standing, files)
    return files.source


def rows_of(store: JourneyStore, table: str, by: list[str]) -> pd.DataFrame:
    with store.transaction() as transaction:
        return transaction.read(table).sort_values(by, ignore_index=True)


def tables(url: str) -> Mapping[str, pd.DataFrame]:
    with closing(PostgresStore(url)) as store:
        transitions = rows_of(store, "transitions", ["execution_id", "node_id"])
        return {
            "executions": rows_of(store, "executions", ["execution_id"]),
            "transitions": transitions.drop(columns=["run_id", "snapshot_id"]),
        }


def test_loaded_rows_are_those_of_an_enrolment(postgres_url: str, tmp_path: Path) -> None:
    publish(postgres_url, DOCUMENT)
    with engine_over(postgres_url, source_of(tmp_path, EVERYBODY)) as engine:
        run_pass(engine, Run("enrolment", ENTERED_AT), delivers=False)
    written = tables(postgres_url)
    load_standing(postgres_url, EVERYBODY)
    loaded = tables(postgres_url)
    pd.testing.assert_frame_equal(loaded["executions"], written["executions"])
    pd.testing.assert_frame_equal(loaded["transitions"], written["transitions"])
    assert (loaded["executions"]["due_at"] == DUE_AT).all()


def test_loading_leaves_the_indexes_as_they_were(postgres_url: str) -> None:
    publish(postgres_url, DOCUMENT)
    values = {"schema": SCHEMA, "tables": list(INDEXED)}
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        before = connection.execute(layout_statements()["indexes"], values).fetchall()
        load_standing(postgres_url, EVERYBODY)
        assert connection.execute(layout_statements()["indexes"], values).fetchall() == before
    assert len(before) >= 5


@pytest.mark.parametrize("is_scattered", [False, True])
def test_an_advance_moves_those_who_are_due_and_nobody_else(
    postgres_url: str, tmp_path: Path, *, is_scattered: bool
) -> None:
    publish(postgres_url, DOCUMENT)
    standing = make_standing(rows=10, stored=ROWS, is_scattered=is_scattered)
    load_standing(postgres_url, standing)
    with engine_over(postgres_url, source_of(tmp_path, standing)) as engine:
        assert advance_pass(engine, Run("advance", AS_OF), delivers=False).moved == 10
    by_customer = tables(postgres_url)["executions"].sort_values("customer_id", ignore_index=True)
    moved = by_customer[by_customer["arrived_at"] == AS_OF]
    assert moved.index.tolist() == standing.due.tolist()
    assert (moved["current_node_id"] == "bonus").tolist() == is_engaged(FEATURES).take(standing.due).tolist()
