"""One round of a storm: a schema and an outbox of its own, the processes that run on them, and what came of it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from journey_pipelines.store.doctor import examine
from journey_pipelines.store.postgres import PostgresStore
from tests.e2e.demonstration import contents, messages
from tests.storm.server import Server
from tests.storm.world import DAYS, set_up

REPOSITORY = Path(__file__).parents[2]
ALL_DAYS = range(len(DAYS))


@dataclass
class Client:
    """A client process."""

    process: "subprocess.Popen[str]"
    errors: Path

    def await_ready(self) -> "Client":
        """Return when it is ready to begin."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == "ready", self.errors.read_text()
        return self

    def begin(self, days: Sequence[int] = ALL_DAYS) -> "Client":
        """Let it run these days; no days: race."""
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, days)) + "\n")
        self.process.stdin.flush()
        return self

    def is_over(self, *, within: float) -> bool:
        """Whether it ends within so many seconds."""
        try:
            self.process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> int:
        """SIGKILL; gives how many days it had finished."""
        self.process.kill()
        said, _ = self.process.communicate()
        return said.count("\n")

    def finish(self) -> list[dict[str, Any]]:
        """Its reports; it must end well, have held nothing and have said nothing on standard error."""
        said, _ = self.process.communicate()
        errors = self.errors.read_text()
        assert self.process.returncode == 0, errors
        assert errors == "", errors
        reports = [json.loads(line) for line in said.splitlines()]
        assert [report for report in reports if report["held"]] == [], errors
        return reports


@dataclass
class Stage:
    """Where one round takes place."""

    server: Server
    folder: Path
    name: str
    customers: int
    chunk_rows: int
    withholds: int = 0
    clients: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.project.mkdir()
        set_up(self.store, self.customers, withholds=self.withholds)
        self.store.close()

    @property
    def project(self) -> Path:
        """The folder of the round."""
        return self.folder / self.name

    @cached_property
    def store(self) -> PostgresStore:
        """The round's journey store."""
        return PostgresStore(self.server.url, schema=self.name)

    def client(self) -> Client:
        """A process that is about to get ready."""
        outbox = self.project / ".journeys" / "outbox"
        arguments = [self.server.url, self.name, outbox, self.customers, self.chunk_rows]
        self.clients += 1
        errors = self.project / f"errors_{self.clients}.txt"
        with errors.open("w") as opened:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.storm.client", *map(str, arguments)],
                cwd=REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=opened,
                text=True,
            )
        return Client(process, errors)

    def run(self, days: Sequence[int] = ALL_DAYS) -> None:
        """Run these days in one process that nobody disturbs."""
        self.client().await_ready().begin(days).finish()

    def outcome(self) -> tuple[dict[str, pd.DataFrame], dict[str, list[str]]]:
        """All rows without run ids, each table in an order that depends on no run, and the files of the outbox."""
        found = contents(self.store), messages(self.project)
        faults = [str(fault) for fault in examine(self.store).faults]
        self.store.close()
        assert faults == []
        return found

    def clear(self) -> None:
        """Forget the round."""
        self.store.close()
        self.server.drop(self.name)
        shutil.rmtree(self.project)
