"""Our engine's passes over a store of its own, as `journeys bench` measures them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final

from journey_pipelines.bench.costs import BenchmarkError
from journey_pipelines.bench.per_customer import require
from journey_pipelines.bench.server import BenchServer
from journey_pipelines.bench.snapshot_files import SnapshotFiles
from journey_pipelines.bench.standing import AS_OF, ENTERED_AT, SCHEMA, Standing
from journey_pipelines.delivery.actions import load_actions
from journey_pipelines.delivery.dispatcher import CallableDispatcher
from journey_pipelines.delivery.template_store import TemplateStore
from journey_pipelines.engine.compute import IN_PROCESS, Compute, SnapshotIds
from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.facts import SnapshotSource
from journey_pipelines.engine.passes import Report, advance_pass
from journey_pipelines.engine.ports import Run
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.store.postgres import PostgresStore

STANDING_DATABASE: Final = "bench_standing"
MOVED: Final = (
    "SELECT (SELECT count(*) FROM transitions WHERE run_as_of = %(as_of)s),"
    " (SELECT count(*) FROM dispatches WHERE requested_at = %(as_of)s AND status = 'pending')"
)


def publish(url: str, document: dict[str, Any]) -> None:
    """Make a store and publish one journey in it."""
    with closing(PostgresStore(url)) as store, store.transaction() as transaction:
        transaction.publish(document, at=ENTERED_AT)


@contextmanager
def engine_over(url: str, source: SnapshotSource) -> Iterator[Engine]:
    """An engine that can do everything but deliver."""
    with closing(PostgresStore(url)) as store:
        yield _engine(store, source)


def _engine(store: PostgresStore, source: SnapshotSource) -> Engine:
    actions = load_actions(TemplateStore())
    return Engine(store, source, CallableDispatcher(actions), Catalog(actions=actions))


@dataclass(frozen=True)
class BenchRecipe:
    """An `EngineRecipe` over a database of the bench."""

    url: str
    files: SnapshotFiles

    def build(self, snapshots: SnapshotIds) -> Engine:  # noqa: ARG002
        """See EngineRecipe; there is one snapshot of each kind."""
        return _engine(PostgresStore(self.url), self.files.source)


class OurAdvance:
    """One advance of everybody who is due, each time over the same database."""

    def __init__(
        self,
        server: BenchServer,
        standing: Standing,
        files: SnapshotFiles,
        engaged: int,
        *,
        compute: Compute = IN_PROCESS,
        database: str = "bench_ours",
    ) -> None:
        self.database = database
        self._compute = compute
        self._runs = count()
        self._server = server
        self._standing = standing
        self._files = files
        self._engaged = engaged
        self._report: Report | None = None

    @property
    def rows(self) -> int:
        """How many are due."""
        return self._standing.rows

    def prepare(self) -> None:
        """Put everybody back into the first wait."""
        self._server.copy_database(STANDING_DATABASE, self.database)

    def run(self) -> None:
        """The pass, from an engine without open connections; the processes of its compute stay for the next one."""
        url = self._server.url(self.database)
        with engine_over(url, self._files.source) as engine:
            engine = replace(engine, compute=self._compute, recipe=BenchRecipe(url, self._files))
            self._report = advance_pass(engine, Run(f"bench-{next(self._runs)}", AS_OF), delivers=False)

    def check(self) -> None:
        """Raises BenchmarkError unless all who were due moved, and nobody else, with their transitions and sends."""
        with closing(PostgresStore(self._server.url(self.database))) as store, store.transaction() as transaction:
            counts = transaction.status_counts()
        places = dict(zip(zip(counts["state"], counts["current_node_id"], strict=True), counts["count"], strict=True))
        with self._server.connected(self.database) as connection:
            connection.execute(f"SET search_path TO {SCHEMA}")
            transitions, dispatches = connection.execute(MOVED, {"as_of": AS_OF}).fetchall()[0]
        found = {
            "at the action": int(places.pop(("IN_PROGRESS", "bonus"), 0)),
            "in the next wait": int(places.pop(("WAITING", "two_days"), 0)),
            "transitions": int(transitions),
            "dispatches": int(dispatches),
        }
        require(found, rows=self.rows, engaged=self._engaged, what=f"the advance ({self._report})")
        still = self._standing.stored - self.rows
        if sum(places.values()) != still or places.get(("WAITING", "one_day"), 0) != still:
            raise BenchmarkError(f"besides those who were due {places} stand, expected {still} in the first wait")
