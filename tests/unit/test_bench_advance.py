"""What `journeys bench advance` and `enrol` measure: the people, the lists of bytes, the best of the rounds."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from journey_pipelines.bench import enrol
from journey_pipelines.bench.advance import figures
from journey_pipelines.bench.costs import BenchmarkError, Cost, best
from journey_pipelines.bench.per_customer import CONDITION, feature_documents, require
from journey_pipelines.bench.rounds import described_rounds
from journey_pipelines.bench.snapshot_files import SnapshotFiles
from journey_pipelines.bench.standing import (
    AS_OF,
    DUE_AT,
    SEGMENT,
    is_engaged,
    make_features,
    make_standing,
    write_snapshots,
)
from journey_pipelines.rules import compile_rule


def cost(**given: Any) -> Cost:
    figures = {
        "rows": 10,
        "client_seconds": 1.0,
        "server_seconds": 2.0,
        "wall_seconds": 4.0,
        "wal_bytes": 50,
        "peak_bytes": 7,
        "peak_extra_bytes": 3,
    }
    return Cost(**{**figures, **given})


def test_rows_that_were_written_together_are_neighbours() -> None:
    assert make_standing(rows=3, stored=12, is_scattered=False).due.tolist() == [0, 1, 2]


def test_scattered_rows_lie_evenly_among_the_others() -> None:
    assert make_standing(rows=3, stored=12, is_scattered=True).due.tolist() == [0, 4, 8]


def test_only_the_due_ones_are_due() -> None:
    standing = make_standing(rows=100, stored=1_000, is_scattered=True)
    due_times = standing.due_times()
    is_due = due_times <= np.datetime64(AS_OF.replace(tzinfo=None), "us")
    assert np.flatnonzero(is_due).tolist() == standing.due.tolist()
    assert set(due_times[is_due]) == {np.datetime64(DUE_AT.replace(tzinfo=None), "us")}
    assert np.ptp(due_times[~is_due]) > np.timedelta64(25, "D")


def test_a_quarter_to_a_third_takes_the_action() -> None:
    assert 0.25 < is_engaged(make_features(10_000)).mean() < 0.36


def test_the_condition_by_hand_agrees_with_the_rule_of_the_document() -> None:
    features = make_features(500)
    scalar = [bool(CONDITION.scalar(document)) for document in feature_documents(features).values()]
    assert scalar == is_engaged(features).tolist() == CONDITION.mask(features).tolist()


def test_the_engine_sees_the_features_of_everybody_and_a_segment_of_the_due_ones(tmp_path: Path) -> None:
    files = SnapshotFiles(tmp_path, SEGMENT)
    due = write_snapshots(make_standing(rows=3, stored=12, is_scattered=True), files)
    facts = files.source.at(AS_OF)
    assert due["customer_id"].tolist() == ["c000000000", "c000000004", "c000000008"]
    assert facts.features is not None
    assert facts.features.rows == 12
    assert [segment.rows for segment in facts.segments.values()] == [3]


def test_about_two_percent_of_the_candidates_enter() -> None:
    features = enrol.make_features(20_000)
    selected = enrol.select_by_hand(features, features[["customer_id"]])
    assert 0.015 < len(selected) / 20_000 < 0.025
    by_rule = features.loc[compile_rule(enrol.RULE).mask(features), "customer_id"]
    assert selected.tolist() == by_rule.tolist()


def test_the_round_of_least_processor_time_counts_with_the_highest_peak_of_all() -> None:
    slow = cost(server_seconds=9.0, wall_seconds=3.0, peak_bytes=8)
    assert best([cost(), slow]) == cost(wall_seconds=3.0, peak_bytes=8)


def test_a_cost_is_told_for_each_row() -> None:
    found = described_rounds({"ours": [cost(), cost(server_seconds=9.0)]})["ours"]
    assert found["cpu_seconds"] == 3.0
    assert found["rows_per_second"] == 2.5
    assert found["wal_bytes_per_row"] == 5.0
    assert found["cpu_seconds_of_rounds"] == [3.0, 10.0]


def test_people_read_the_ratios_of_those_who_took_part() -> None:
    ratios = {"cpu_to_floor": 7.04, "rows_per_second_to_plain": 69.0, "rows_per_cpu_second_to_plain": 37.0}
    measured = described_rounds({"ours": [cost()], "floor": [cost()], "plain": [cost()]})
    told = [" ".join(row) for row in figures({"measured": measured, "ratios": ratios})]
    assert told[-3:] == [
        "ours against the floor 7.0 times its processor time",
        " against plain 69 times its rows per second",
        "  37 times its rows per processor second",
    ]


def test_a_result_that_is_not_exact_is_refused() -> None:
    found = {"at the action": 3, "in the next wait": 7, "transitions": 20, "dispatches": 3}
    require(found, rows=10, engaged=3, what="it")
    with pytest.raises(BenchmarkError, match=r"it left .*'transitions': 19.* expected .*'transitions': 20"):
        require({**found, "transitions": 19}, rows=10, engaged=3, what="it")
