"""One storm world, moved in one process and by several, gives the same rows."""

import random
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from pathlib import Path

import pandas as pd
import psycopg
import pytest

from journey_pipelines.compute import DaskCluster, LocalProcesses
from journey_pipelines.engine import claimed
from journey_pipelines.engine.compute import InProcess
from journey_pipelines.engine.passes import Report
from journey_pipelines.store.postgres import PostgresStore
from journey_pipelines.store.postgres.address import parse_address
from journey_pipelines.store.postgres.catalogues import Catalogues
from journey_pipelines.store.postgres.connections import Connections
from journey_pipelines.store.postgres.partitions import STANDING
from tests.scale.cluster import dask_cluster
from tests.scale.halfway import halfway
from tests.scale.pickled import Pickled
from tests.scale.project import CUSTOMERS, Project, assert_same

RANGES = 8
FIRST_WAVE = CUSTOMERS * 4 // 5


@pytest.fixture(scope="module")
def alone(postgres_database: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, pd.DataFrame]:
    """The rows of one process."""
    project = Project.make(tmp_path_factory.mktemp("alone") / "project", postgres_database)
    project.first_pass()
    project.run()
    rows = project.rows()
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA journeys CASCADE")
    return rows


@pytest.fixture
def project(alone: object, store_url: str, tmp_path: Path) -> Project:
    """Before its first day."""
    return Project.make(tmp_path / "project", store_url)


def assert_nothing_held(reports: Iterable[Report]) -> None:
    assert [report.held for report in reports if report.held] == []


def test_ranges_of_shards_that_travel_as_pickles_move_the_same_and_nothing_the_second_time(
    project: Project, alone: Mapping[str, pd.DataFrame]
) -> None:
    compute = Pickled(ranges=RANGES // 2)
    reports = [project.first_pass(compute), *project.run(compute)]

    assert_nothing_held(reports)
    assert all(report.moved for report in reports)
    assert_same(project.rows(), alone)


def test_two_local_processes_one_of_which_is_killed_give_the_rows_of_one(
    project: Project, alone: Mapping[str, pd.DataFrame], store_url: str
) -> None:
    with closing(LocalProcesses(2, ranges=RANGES // 2)) as compute:
        with halfway(store_url, 2, lambda: next(iter(compute.processes)).kill()) as committed:
            first = project.first_pass(compute)
        reports = [first, *project.run(compute)]

    assert_nothing_held(reports)
    assert 0 < committed[0] < FIRST_WAVE
    assert_same(project.rows(), alone)


def test_two_workers_of_a_dask_cluster_one_of_which_is_killed_give_the_rows_of_one_process(
    project: Project, alone: Mapping[str, pd.DataFrame], store_url: str, tmp_path: Path
) -> None:
    with dask_cluster(tmp_path, workers=2) as cluster:
        with closing(DaskCluster(cluster.address, ranges=RANGES)) as compute:
            with halfway(store_url, 2, cluster.workers[0].kill) as committed:
                first = project.first_pass(compute)
            reports = [first, *project.run(compute)]
        assert cluster.workers[0].wait() < 0
        assert cluster.workers[1].poll() is None

    assert_nothing_held(reports)
    assert 0 < committed[0] < FIRST_WAVE
    assert_same(project.rows(), alone)


def test_what_a_journey_raises_in_another_process_holds_it_in_the_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(chunk: object) -> None:
        raise ZeroDivisionError("nothing to divide by")

    monkeypatch.setattr(claimed, "walk", break_down)
    report = project.first_pass(InProcess(ranges=2))

    assert (report.moved, report.held) == (0, {"storm": "error: nothing to divide by"})


def test_processes_that_name_the_same_things_in_any_order_agree_on_the_numbers(store_url: str) -> None:
    names = [f"label {number}" for number in range(20)]
    days = [date(2017, 3, day) for day in range(1, 9)]

    def work(seed: int) -> Mapping[str, int]:
        draw = random.Random(seed)
        address = parse_address(store_url)
        connections = Connections(address, "journeys")
        catalogues = Catalogues(connections, address)
        with closing(connections), psycopg.connect(store_url) as claiming:
            # a chunk's transaction is open meanwhile
            claiming.execute("DELETE FROM journeys.standing")
            catalogues.partitions.buckets(STANDING, draw.sample(days, len(days)))
            steps = {name: (1, ((name, 1, None, None),)) for name in draw.sample(names, len(names))}
            catalogues.edition_nos([("storm", 1)])
            paths = catalogues.path_nos(list(steps.values()))
            labels = catalogues.label_nos(draw.sample(names, len(names)))
            return {name: labels[name] * 1000 + paths[steps[name]] for name in names}

    with closing(PostgresStore(store_url)) as store:
        store.transact(lambda transaction: transaction.paused())
    with ThreadPoolExecutor(6) as threads:
        first, *others = threads.map(work, range(6))

    assert all(other == first for other in others)
