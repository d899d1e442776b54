"""One storm world, moved in one process and by several, gives the same rows."""

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pandas as pd
import psycopg
import pytest

from journey_pipelines.compute import DaskCluster, LocalProcesses
from journey_pipelines.engine.advance import ShardOutcome
from journey_pipelines.engine.compute import InProcess, Item, Result
from journey_pipelines.engine.passes import Report
from tests.scale.cluster import dask_cluster
from tests.scale.halfway import halfway
from tests.scale.project import CUSTOMERS, Project, assert_same

RANGES = 8
FIRST_WAVE = CUSTOMERS * 4 // 5


class Pickled(InProcess):
    """Work and items as another process would get them; each item twice, as after a crash."""

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """See Compute."""
        for item in items:
            travelled_work, travelled_item = pickle.loads(pickle.dumps((work, item)))
            first = travelled_work(travelled_item)
            again = travelled_work(travelled_item)
            assert isinstance(again, ShardOutcome)
            assert (again.moved, again.faults) == (0, {})
            yield pickle.loads(pickle.dumps(first))


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
def project(alone: object, postgres_url: str, tmp_path: Path) -> Project:
    """Before its first day."""
    return Project.make(tmp_path / "project", postgres_url)


def assert_nothing_held(reports: Iterable[Report]) -> None:
    assert [report.held for report in reports if report.held] == []


def test_ranges_of_shards_that_travel_as_pickles_move_the_same_and_nothing_the_second_time(
    project: Project, alone: Mapping[str, pd.DataFrame]
) -> None:
    compute = Pickled(ranges=RANGES)
    reports = [project.first_pass(compute), *project.run(compute)]

    assert_nothing_held(reports)
    assert all(report.moved for report in reports)
    assert_same(project.rows(), alone)


def test_two_local_processes_one_of_which_is_killed_give_the_rows_of_one(
    project: Project, alone: Mapping[str, pd.DataFrame], postgres_url: str
) -> None:
    with closing(LocalProcesses(2, ranges=RANGES)) as compute:
        with halfway(postgres_url, 2, lambda: next(iter(compute.processes)).kill()) as committed:
            first = project.first_pass(compute)
        reports = [first, *project.run(compute)]

    assert_nothing_held(reports)
    assert 0 < committed[0] < FIRST_WAVE
    assert_same(project.rows(), alone)


def test_two_workers_of_a_dask_cluster_one_of_which_is_killed_give_the_rows_of_one_process(
    project: Project, alone: Mapping[str, pd.DataFrame], postgres_url: str, tmp_path: Path
) -> None:
    with dask_cluster(tmp_path, workers=2) as cluster:
        with closing(DaskCluster(cluster.address, ranges=RANGES)) as compute:
            with halfway(postgres_url, 2, cluster.workers[0].kill) as committed:
                first = project.first_pass(compute)
            reports = [first, *project.run(compute)]
        assert cluster.workers[0].wait() < 0
        assert cluster.workers[1].poll() is None

    assert_nothing_held(reports)
    assert 0 < committed[0] < FIRST_WAVE
    assert_same(project.rows(), alone)
