"""Journeys, their versions, runs, holds and accepted snapshots."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pandas as pd

from journey_pipelines.engine.bands import Forecast
from journey_pipelines.engine.frames import HOLDS, RUNS, SNAPSHOTS
from journey_pipelines.engine.ports import Hold, JourneyStatus, Run, SnapshotCounts, StoredVersion
from journey_pipelines.errors import NotFoundError, StoreError
from journey_pipelines.store.memory.state import Part, is_unfinished
from journey_pipelines.store.values import copied, storable, unpublished


class JourneysPart(Part):
    """Publication and status."""

    def publish(self, document: Mapping[str, Any], *, at: datetime) -> int:
        """See StoreTransaction."""
        key = str(document["key"])
        if self.state.statuses.get(key) == "archived":
            raise StoreError(f"journey {key} is archived and takes no new version; publish under another key")
        own = copied([document], column="journey_versions.document")[0]
        versions = self.versions(key)
        self.state.statuses[key] = "paused" if self.state.statuses.get(key) == "paused" else "live"
        if versions and _text(versions[-1].document) == _text(own):
            return versions[-1].version
        version = len(versions) + 1
        self.state.versions.append(StoredVersion(key, version, own, "live", at))
        return version

    def set_status(self, journey_key: str, status: JourneyStatus) -> None:
        """See StoreTransaction."""
        if journey_key not in self.state.statuses:
            raise NotFoundError(f"there is no journey {journey_key}; publish it first")
        self.state.statuses[journey_key] = status

    def paused(self) -> frozenset[str]:
        """See StoreTransaction."""
        return frozenset(key for key, status in self.state.statuses.items() if status == "paused")

    def versions(self, journey_key: str | None = None) -> list[StoredVersion]:
        """See StoreTransaction."""
        wanted = [found for found in self.state.versions if journey_key in (None, found.journey_key)]
        wanted.sort(key=lambda found: (found.journey_key, found.version))
        documents = copied([found.document for found in wanted], column="journey_versions.document")
        return [
            replace(found, document=document, status=self.state.statuses[found.journey_key])
            for found, document in zip(wanted, documents, strict=True)
        ]

    def unfinished_versions(self) -> frozenset[tuple[str, int]]:
        """See StoreTransaction."""
        executions = self.state.tables["executions"].frame
        pairs = executions.loc[is_unfinished(executions), ["journey_key", "journey_version"]].drop_duplicates()
        return frozenset(zip(pairs["journey_key"].tolist(), pairs["journey_version"].tolist(), strict=True))


class RunsPart(Part):
    """Runs, what they held, and the snapshots that journeys accepted."""

    def take_turn(self, what: str) -> None:
        """See StoreTransaction. Transactions exclude one another here."""

    def open_run(self, run: Run) -> None:
        """See StoreTransaction."""
        row = pd.DataFrame(
            {
                "run_id": [run.run_id],
                "as_of": pd.to_datetime([run.as_of], utc=True),
                "mode": [run.mode.value],
                "kind": [run.kind],
                "dagster_run_id": pd.Series([run.dagster_run_id], dtype="str"),
                "is_closed": [False],
            }
        )
        runs, added = self.state.tables["runs"].append_new(storable(row, RUNS, table="runs"))
        if added.empty:
            raise StoreError(f"run {run.run_id} is in the store already; give each run an id of its own")
        self.state.tables["runs"] = runs

    def close_run(self, run_id: str, summary: Mapping[str, Any]) -> None:
        """See StoreTransaction."""
        runs = self.state.tables["runs"]
        row = runs.rows_of(pd.Index([run_id]))
        if row.empty:
            raise NotFoundError(f"there is no run {run_id}; open it first")
        closed = row.assign(is_closed=True, summary=pd.Series([dict(summary)], index=row.index, dtype=object))
        self.state.tables["runs"] = runs.replace_rows(storable(closed, RUNS, table="runs"))

    def accepted(self, journey_key: str) -> SnapshotCounts | None:
        """See StoreTransaction."""
        return self.state.accepted.get(journey_key)

    def accept(self, counts: SnapshotCounts) -> None:
        """See StoreTransaction."""
        self.state.accepted[counts.journey_key] = counts

    def hold(self, hold: Hold) -> None:
        """See StoreTransaction."""
        keys = [_key(held) for held in self.state.holds]
        if _key(hold) in keys:
            self.state.holds[keys.index(_key(hold))] = hold
        else:
            self.state.holds.append(hold)

    def holds(self, run_id: str | None = None) -> list[Hold]:
        """See StoreTransaction."""
        wanted = [held for held in self.state.holds if run_id in (None, held.run_id)]
        wanted.sort(key=lambda held: held.journey_key)
        return sorted(wanted, key=lambda held: held.counts.as_of, reverse=True)

    def approve(self, run_id: str, *, at: datetime) -> list[str]:
        """See StoreTransaction."""
        keys = sorted(held.journey_key for held in self.state.holds if held.run_id == run_id)
        if not keys:
            raise NotFoundError(f"run {run_id} held no journey; `journeys status` lists the runs that did")
        self.state.holds = [
            replace(held, approved_at=at) if held.run_id == run_id else held for held in self.state.holds
        ]
        return keys

    def save_forecast(self, forecast: Forecast) -> None:
        """See StoreTransaction."""
        edition = (forecast.journey_key, forecast.version)
        if edition not in {(stored.journey_key, stored.version) for stored in self.state.versions}:
            raise StoreError(unpublished(forecast))
        self.state.forecasts[edition] = forecast

    def forecasts(self, journey_key: str) -> list[Forecast]:
        """See StoreTransaction."""
        return [found for (key, _), found in sorted(self.state.forecasts.items()) if key == journey_key]

    def record_snapshots(self, snapshots: pd.DataFrame) -> int:
        """See StoreTransaction."""
        rows = storable(snapshots, SNAPSHOTS, table="snapshots")
        self.state.tables["snapshots"], new = self.state.tables["snapshots"].append_new(rows)
        return len(new)

    def holds_frame(self) -> pd.DataFrame:
        """HOLDS, in the order in which they were written."""
        rows = [
            {
                "run_id": held.run_id,
                "journey_key": held.journey_key,
                "as_of": held.counts.as_of,
                "reason": held.reason,
                "features_id": held.counts.features_id,
                "features_rows": held.counts.features_rows,
                "segments": dict(held.counts.segments),
                "approved_at": held.approved_at,
            }
            for held in self.state.holds
        ]
        return storable(pd.DataFrame(rows, columns=list(HOLDS)), HOLDS, table="holds")


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True)


def _key(hold: Hold) -> tuple[str, str]:
    return hold.run_id, hold.journey_key
