"""A Dask scheduler and its workers on loopback, as processes of the test."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")
REPOSITORY = Path(__file__).parents[2]


@dataclass
class Cluster:
    """Its address, and the workers' processes."""

    address: str
    workers: "list[subprocess.Popen[bytes]]"


@contextmanager
def dask_cluster(folder: Path, *, workers: int) -> Iterator[Cluster]:
    """Ended, with SIGKILL, at the end of the block. Nobody brings a killed worker back."""
    scheduler_file = folder / "scheduler.json"
    with ExitStack() as ended:
        scheduler = _start(
            ended, folder, "dask_scheduler", "--port", "0", "--no-jupyter", "--scheduler-file", str(scheduler_file)
        )
        while not (scheduler_file.is_file() and scheduler_file.read_text().strip()):
            assert scheduler.poll() is None, (folder / "dask_scheduler.txt").read_text()
            with suppress(subprocess.TimeoutExpired):
                scheduler.wait(timeout=0.05)
        address = json.loads(scheduler_file.read_text())["address"]
        alone = ["--no-nanny", "--nthreads", "1", "--memory-limit", "0", "--local-directory", str(folder)]
        started = [_start(ended, folder, "dask_worker", address, *alone) for _ in range(workers)]
        yield Cluster(address, started)


def _start(ended: ExitStack, folder: Path, module: str, *arguments: str) -> "subprocess.Popen[bytes]":
    said = ended.enter_context((folder / f"{module}.txt").open("ab"))
    environment = {**os.environ, "DASK_TEMPORARY_DIRECTORY": str(folder)}
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{module}", *LOOPBACK, *arguments],
        cwd=REPOSITORY,
        env=environment,
        stdout=said,
        stderr=said,
    )
    ended.callback(process.wait)
    ended.callback(process.kill)
    return process
