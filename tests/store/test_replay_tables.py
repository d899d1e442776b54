"""Replays that are kept: figures as the live views give them, replaced as a whole or not at all."""

from collections.abc import Iterator
from datetime import date

import pandas as pd
import pytest

from journey_pipelines.store.postgres import PostgresStore
from journey_pipelines.store.postgres.analytics import COLUMNS, analytics_of
from journey_pipelines.store.postgres.replays import TABLES, KeptReplay, ReplayTables
from tests.behaviour.passes import Passes
from tests.store.six_days import six_day_journey, six_days


@pytest.fixture
def replays(postgres_url: str) -> Iterator[ReplayTables]:
    tables = ReplayTables(postgres_url)
    yield tables
    tables.close()


def keep(replays: ReplayTables, passes: Passes, name: str, *, hash_of_rows: str = "00") -> None:
    """The live rows as if they were a replay's."""
    kept = KeptReplay(name, [six_day_journey()], date(2017, 3, 1), date(2017, 3, 5), hash_of_rows, 100, 0.5)
    with replays.writing(name) as writer:
        for table in TABLES:
            writer.take(table, passes.read(table))
        writer.finish(kept, run_id=f"run of {name}")


def test_a_replay_with_the_rows_of_a_live_journey_has_its_figures_and_rows(
    replays: ReplayTables, postgres_store: PostgresStore
) -> None:
    passes = six_days(postgres_store, six_day_journey())
    keep(replays, passes, "one")
    keep(replays, passes, "another")
    expected, found = analytics_of(postgres_store, "test"), replays.analytics("one", "test", splits=["arms"])
    for name, columns in COLUMNS.items():
        if name == "ends":  # the live view has a median for each day, of which the longest is told
            columns = [column for column in columns if column != "longest_median_time"]
        assert len(getattr(expected, name)), name
        pd.testing.assert_frame_equal(
            in_order(getattr(found, name)[columns]), in_order(getattr(expected, name)[columns]), obj=name
        )
    for table, key in (("executions", "execution_id"), ("dispatches", "key"), ("points_transactions", "dispatch_key")):
        pd.testing.assert_frame_equal(
            replays.read(table, "one").sort_values(key, ignore_index=True),
            passes.read(table).sort_values(key, ignore_index=True),
            obj=table,
        )


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(list(frame.columns), ignore_index=True)


def test_a_replay_replaces_all_of_the_one_of_its_name_or_breaks_off_and_leaves_it(
    replays: ReplayTables, postgres_store: PostgresStore
) -> None:
    passes = six_days(postgres_store, six_day_journey())
    keep(replays, passes, "one")
    keep(replays, passes, "one", hash_of_rows="01")
    assert len(replays.read("transitions", "one")) == len(passes.read("transitions"))
    newest = replays.find()
    assert newest is not None
    assert (newest.replay, newest.hash) == ("one", "01")
    assert replays.find(run_id="run of one") == newest
    assert replays.find(replay="another") is None

    with pytest.raises(RuntimeError, match="broke off"):
        break_off(replays, "one")
    assert len(replays.read("transitions", "one")) == len(passes.read("transitions"))
    assert replays.find() == newest


def break_off(replays: ReplayTables, name: str) -> None:
    with replays.writing(name):
        raise RuntimeError("broke off")


def test_a_forgotten_customer_is_in_no_replay_and_everybody_else_stays(
    replays: ReplayTables, postgres_store: PostgresStore
) -> None:
    passes = six_days(postgres_store, six_day_journey())
    for name in ("one", "another"):
        keep(replays, passes, name)
    before = {table: replays.read(table, "one") for table in TABLES}
    gone = before["points_transactions"]["customer_id"].iloc[0]
    removed = replays.forget(gone)
    for table, rows in before.items():
        left = replays.read(table, "one")
        assert sorted(left["customer_id"]) == sorted(rows.loc[rows["customer_id"] != gone, "customer_id"])
        assert removed[table] == 2 * (len(rows) - len(left)) > 0


def test_published_journeys_and_rates_are_read_where_there_is_a_live_store(
    replays: ReplayTables, postgres_store: PostgresStore
) -> None:
    assert (replays.published_keys(), replays.published("test"), len(replays.past_dispatches())) == ([], [], 0)
    six_days(postgres_store, six_day_journey())
    assert replays.published_keys() == ["test"]
    assert [(version, document["key"]) for version, document in replays.published("test")] == [(1, "test")]
    assert {"sent", "failed", "skipped"} <= set(replays.past_dispatches()["status"])
