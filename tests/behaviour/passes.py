"""An engine over any journey store, run by run: for what `simulate` does not reach (versions, status, crashes)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from journey_pipelines.delivery.actions.registry import load_actions
from journey_pipelines.delivery.dispatcher import CallableDispatcher
from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.frame_source import FrameSource
from journey_pipelines.engine.frames import EVENTS, conform
from journey_pipelines.engine.passes import Report, advance_pass, run_pass
from journey_pipelines.engine.ports import Dispatcher, JourneyStore, Run
from journey_pipelines.journeys.catalog import Catalog
from tests.behaviour.builders import features, profiles

ACTIONS = load_actions()
PUBLISHED_AT = datetime(2017, 1, 1, tzinfo=UTC)


class Passes:
    """Runs of one engine over one store; each run has an id of its own, `run-1` first.

    Everybody in `features` has a phone and an address unless `profiles` says otherwise; `deliver` answers as in
    `simulate`, and `dispatcher` takes its place where a test needs channels.
    """

    def __init__(
        self,
        store: JourneyStore,
        *documents: dict[str, Any],
        dispatcher: Dispatcher | None = None,
        deliver: Any = None,
        chunk_rows: int = 50_000,
        **frames: Any,
    ) -> None:
        self.store = store
        self.count = 0
        people = frames.get("features", features())
        self.source = FrameSource(
            people,
            frames.get("segments"),
            frames.get("profiles", profiles(people["customer_id"].unique())),
            segment_names=frames.get("segment_names", ["loyal"]),
        )
        self.dispatcher = dispatcher or CallableDispatcher(ACTIONS, deliver)
        self.engine = Engine(store, self.source, self.dispatcher, Catalog(actions=ACTIONS), chunk_rows)
        for document in documents:
            self.publish(document)
        if frames.get("events"):
            self.add_events(frames["events"])

    def publish(self, document: dict[str, Any]) -> int:
        """Publish a document; gives its version."""
        with self.store.transaction() as transaction:
            return transaction.publish(document, at=PUBLISHED_AT)

    def set_status(self, status: Any, journey_key: str = "test") -> None:
        """Pause, resume or archive a journey."""
        with self.store.transaction() as transaction:
            transaction.set_status(journey_key, status)

    def add_events(self, events: Sequence[dict[str, Any]]) -> None:
        """Store events as `builders.event` makes them."""
        frame = pd.DataFrame(events).assign(is_used=False)
        times = {
            name: pd.to_datetime(frame[name], utc=True).dt.as_unit("us") for name in ("occurred_at", "received_at")
        }
        with self.store.transaction() as transaction:
            transaction.add_events(conform(frame.assign(**times), EVENTS))

    def run(self, *as_ofs: datetime) -> Report:
        """One pass for each instant; gives the report of the last one."""
        for as_of in as_ofs:
            report = run_pass(self.engine, self._next(as_of, "run"))
        return report

    def advance(self, as_of: datetime) -> Report:
        """One pass without entries."""
        return advance_pass(self.engine, self._next(as_of, "advance"))

    def read(self, table: str, **equals: Any) -> pd.DataFrame:
        """Rows of the store."""
        with self.store.transaction() as transaction:
            return transaction.read(table, **equals)

    def _next(self, as_of: datetime, kind: str) -> Run:
        self.count += 1
        return Run(f"run-{self.count}", as_of, kind=kind)
