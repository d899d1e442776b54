"""The stored facts that an explanation looks up: versions, runs, snapshots, accounts, events; each read once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from journey_pipelines.engine import calendar
from journey_pipelines.engine.ports import StoreTransaction
from journey_pipelines.errors import JourneyDocumentError
from journey_pipelines.evidence.accounts import accounts_at
from journey_pipelines.evidence.reads import Reads
from journey_pipelines.evidence.snapshot_rows import ROWS_TO_HASH, SnapshotRow, SnapshotRows
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import Journey, compile_journey
from journey_pipelines.rules import Rule
from journey_pipelines.snapshots.parquet import FEATURES, PROFILES, SEGMENTS, SnapshotStore

Row = Mapping[str, Any]


@dataclass(frozen=True)
class RunSnapshots:
    """What a run read; `is_noted`: as the run itself says, else the partitions that lie there for its day."""

    run_id: str | None
    features: str | None
    profiles: str | None
    segments: Mapping[str, str]
    is_noted: bool = True


@dataclass
class Archive:
    """One transaction's view of the store, and the folder of snapshots."""

    transaction: StoreTransaction
    catalog: Catalog
    snapshots: SnapshotStore
    rows_to_hash: int | None = ROWS_TO_HASH
    rows: SnapshotRows = field(init=False)
    _journeys: dict[tuple[str, int], Journey | None] = field(default_factory=dict)
    _decided: list[Row] | None = None

    def __post_init__(self) -> None:
        self.rows = SnapshotRows(self.snapshots, rows_to_hash=self.rows_to_hash)

    def journey(self, key: str, version: int) -> Journey | None:
        """A published version; None where it cannot be compiled any more."""
        if (key, version) not in self._journeys:
            documents = [v.document for v in self.transaction.versions(key) if v.version == version]
            self._journeys[(key, version)] = self._compiled(documents, version)
        return self._journeys[(key, version)]

    def _compiled(self, documents: list[Mapping[str, Any]], version: int) -> Journey | None:
        try:
            return compile_journey(documents[0], self.catalog, version=version) if documents else None
        except JourneyDocumentError:
            return None

    def read_by_run(self, run_id: str, *, features: str | None, as_of: datetime) -> RunSnapshots:
        """What a run read, of which a transition gives the feature snapshot."""
        for run in self._runs(run_id=run_id):
            noted = _noted(run)
            if noted is not None:
                return noted
        at_hand = self._at_hand(run_id, as_of)
        return RunSnapshots(run_id, features, at_hand.profiles, at_hand.segments, is_noted=False)

    def read_at(self, as_of: datetime) -> list[RunSnapshots]:
        """What the runs with this `as_of` read: each different set once, the newest run first.

        Where none has noted it: what lies there for that day.
        """
        found: dict[Any, RunSnapshots] = {}
        for run in reversed(self._runs(as_of=as_of)):
            noted = _noted(run)
            if noted is not None:
                found.setdefault((noted.features, noted.profiles, tuple(sorted(noted.segments.items()))), noted)
        return list(found.values()) or [self._at_hand(None, as_of)]

    def decided(self) -> list[Row]:
        """Closed live runs that let customers enter, the one for the latest time first."""
        if self._decided is None:
            runs = [run for run in self._runs(kind="run") if run["is_closed"]]
            self._decided = sorted(runs, key=lambda run: run["as_of"], reverse=True)
        return self._decided

    def reads(
        self,
        journey: Journey,
        customer_id: str,
        read: RunSnapshots,
        as_of: datetime,
        context: Mapping[str, Any],
        *,
        rules: Iterable[Rule],
    ) -> list[Reads]:
        """What these rules may have read of the customer; more than one only for awards at that very time."""
        features, profile = self.rows.row(read.features, customer_id), self.rows.row(read.profiles, customer_id)
        # awards are not found by customer without reading all of them
        needs_account = any(rule.reads_everything or "account" in rule.columns for rule in rules)
        accounts = accounts_at(self.transaction, customer_id, as_of) if needs_account else [{}]
        return [Reads(journey.key, customer_id, features, profile, account, context) for account in accounts]

    def zones(self, read: RunSnapshots, customer_id: str, default: str) -> pd.Series:
        """The customer's time zone as the profile had it, else the default; one row."""
        named = (self.rows.row(read.profiles, customer_id).values or {}).get("timezone")
        return calendar.usable_zones(pd.Series([named or default], dtype=object), default)

    def segment_row(self, read: RunSnapshots, name: str, customer_id: str) -> SnapshotRow:
        """The customer's row in a segment's snapshot."""
        return self.rows.row(read.segments.get(name), customer_id)

    def events(self, customer_id: str, event_type: str, *, after: datetime, as_of: datetime) -> list[Row]:
        """The customer's events of a type that counted for a run, in order."""
        found = self.transaction.events(pd.Index([customer_id]), [event_type], after=after, as_of=as_of)
        rows: list[Row] = found.to_dict("records")
        return rows

    def _runs(self, **equals: Any) -> list[Row]:
        rows: list[Row] = self.transaction.read("runs", mode="live", **equals).to_dict("records")
        return rows

    def _at_hand(self, run_id: str | None, as_of: datetime) -> RunSnapshots:
        segments = {name: self.rows.id_at(f"{SEGMENTS}/{name}", as_of) for name in self.snapshots.segments()}
        return RunSnapshots(
            run_id,
            self.rows.id_at(FEATURES, as_of),
            self.rows.id_at(PROFILES, as_of),
            {name: found for name, found in segments.items() if found},
            is_noted=False,
        )


def _noted(run: Row) -> RunSnapshots | None:
    noted = run["summary"].get("snapshots")
    if noted is None:
        return None
    return RunSnapshots(run["run_id"], noted["features"], noted["profiles"], noted["segments"])
