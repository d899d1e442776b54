"""What is promised of processes that work is given to, whatever the work is."""

import multiprocessing
import os
import pickle
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from journey_pipelines.compute import DaskCluster, LocalProcesses
from journey_pipelines.errors import (
    ComputeError,
    JourneyDocumentError,
    JourneysError,
    Problem,
    StoreConflictError,
    StoreUnavailableError,
)
from tests.scale.cluster import dask_cluster

MENDABLE = "the journey store broke off; run again"


def double(number: int) -> int:
    return number * 2


def break_off(number: int) -> int:
    raise StoreUnavailableError(MENDABLE)


def die(number: int) -> int:
    os._exit(9)


def tell_process(folder: Path) -> None:
    (folder / "process").write_text(str(os.getpid()))


def start_and_die(folder: Path) -> None:
    """What a run does that is killed while a process of its own works."""
    compute = LocalProcesses(1)
    list(compute.map(tell_process, [folder]))
    os._exit(9)


@pytest.fixture(scope="module")
def processes() -> Iterator[LocalProcesses]:
    """Two, which all tests share."""
    compute = LocalProcesses(2)
    yield compute
    compute.close()


def test_results_come_in_the_order_of_the_items(processes: LocalProcesses) -> None:
    assert list(processes.map(double, range(20))) == list(range(0, 40, 2))


def test_an_error_of_the_store_reads_as_it_does_here(processes: LocalProcesses) -> None:
    with pytest.raises(StoreUnavailableError, match=MENDABLE):
        list(processes.map(break_off, range(3)))


def test_work_that_kills_every_process_ends_in_one_sentence(processes: LocalProcesses) -> None:
    with pytest.raises(ComputeError, match=r"died 4 times .* set JOURNEYS_WORKERS lower and run again"):
        list(processes.map(die, range(3)))
    assert list(processes.map(double, [1])) == [2]


def test_a_process_ends_when_the_run_that_started_it_was_killed(tmp_path: Path) -> None:
    killed = multiprocessing.get_context("spawn").Process(target=start_and_die, args=(tmp_path,))
    killed.start()
    killed.join()
    orphan = int((tmp_path / "process").read_text())
    deadline = time.monotonic() + 20
    while Path(f"/proc/{orphan}").exists() and "\nState:\tZ" not in Path(f"/proc/{orphan}/status").read_text():
        assert time.monotonic() < deadline, "it still runs"


def test_a_scheduler_that_nobody_can_reach_ends_in_one_sentence() -> None:
    with pytest.raises(ComputeError, match=r"tcp://127\.0\.0\.1:1 failed: .* then run again"):
        list(DaskCluster("tcp://127.0.0.1:1", connect_seconds=1).map(double, [1]))


def test_a_cluster_keeps_order_and_errors_and_says_when_it_has_no_worker(tmp_path: Path) -> None:
    with dask_cluster(tmp_path, workers=1) as cluster:
        compute = DaskCluster(cluster.address)
        assert list(compute.map(double, range(20))) == list(range(0, 40, 2))
        assert compute.ranges == 4
        with pytest.raises(StoreUnavailableError, match=MENDABLE):
            list(compute.map(break_off, range(3)))
        cluster.workers[0].kill()
        compute.close()
        compute = DaskCluster(cluster.address, workers_seconds=0.2)
        with pytest.raises(ComputeError, match="has had no worker"):
            list(compute.map(double, [1]))
        compute.close()


@pytest.mark.parametrize(
    "error",
    [
        JourneyDocumentError([Problem("/nodes/1", "is wrong")], name="welcome"),
        StoreConflictError("another transaction wanted the same rows"),
        ComputeError("lost"),
    ],
)
def test_errors_travel_whole(error: JourneysError) -> None:
    arrived = pickle.loads(pickle.dumps(error))

    assert (type(arrived), str(arrived), vars(arrived)) == (type(error), str(error), vars(error))
