"""Runs, what they held, and the snapshots that journeys accepted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd
from pydantic_core import from_json

from journey_pipelines.engine.bands import Band, Forecast
from journey_pipelines.engine.frames import SNAPSHOTS
from journey_pipelines.engine.ports import Hold, Run, SnapshotCounts
from journey_pipelines.errors import NotFoundError, StoreError
from journey_pipelines.store.postgres.part import Part, utc
from journey_pipelines.store.statements import statements
from journey_pipelines.store.values import json_texts, unpublished

SQL = statements("runs")


class RunsPart(Part):
    """Runs, holds and accepted snapshots."""

    def take_turn(self, what: str) -> None:
        """See StoreTransaction."""
        self.session.execute(statements("session")["take_turn"], what=what)

    def open_run(self, run: Run) -> None:
        """See StoreTransaction."""
        added = self.session.execute(
            SQL["open_run"],
            run_id=run.run_id,
            as_of=run.as_of,
            mode=run.mode.value,
            kind=run.kind,
            dagster_run_id=run.dagster_run_id,
        )
        if not added:
            raise StoreError(f"run {run.run_id} is in the store already; give each run an id of its own")

    def close_run(self, run_id: str, summary: Mapping[str, Any]) -> None:
        """See StoreTransaction."""
        text = json_texts([summary], column="runs.summary")[0].decode()
        if not self.session.execute(SQL["close_run"], run_id=run_id, summary=text):
            raise NotFoundError(f"there is no run {run_id}; open it first")

    def accepted(self, journey_key: str) -> SnapshotCounts | None:
        """See StoreTransaction."""
        rows = self.session.rows(SQL["accepted"], journey_key=journey_key)
        return _counts(journey_key, *rows[0]) if rows else None

    def accept(self, counts: SnapshotCounts) -> None:
        """See StoreTransaction."""
        self.session.execute(SQL["accept"], **_values(counts))

    def hold(self, hold: Hold) -> None:
        """See StoreTransaction."""
        self.session.execute(
            SQL["hold"],
            **_values(hold.counts) | {"journey_key": hold.journey_key},
            run_id=hold.run_id,
            reason=hold.reason,
            approved_at=hold.approved_at,
        )

    def holds(self, run_id: str | None = None) -> list[Hold]:
        """See StoreTransaction."""
        return [
            Hold(run, key, reason, _counts(key, as_of, features_id, rows, segments), approved_at and utc(approved_at))
            for run, key, as_of, reason, features_id, rows, segments, approved_at in self.session.rows(
                SQL["holds"], run_id=run_id
            )
        ]

    def approve(self, run_id: str, *, at: datetime) -> list[str]:
        """See StoreTransaction."""
        keys = sorted(str(key) for (key,) in self.session.rows(SQL["approve"], run_id=run_id, approved_at=at))
        if not keys:
            raise NotFoundError(f"run {run_id} held no journey; `journeys status` lists the runs that did")
        return keys

    def save_forecast(self, forecast: Forecast) -> None:
        """See StoreTransaction."""
        versions = self.session.rows(statements("journeys")["versions"], journey_key=forecast.journey_key)
        if forecast.version not in {int(row[1]) for row in versions}:
            raise StoreError(unpublished(forecast))
        bands = {what: [[band.low, band.high] for band in week] for what, week in forecast.bands.items()}
        self.session.execute(
            SQL["save_forecast"],
            journey_key=forecast.journey_key,
            version=forecast.version,
            first_day=forecast.first_day,
            last_day=forecast.last_day,
            replay_hash=forecast.replay_hash,
            bands=json_texts([bands], column="forecasts.bands")[0].decode(),
            saved_at=forecast.saved_at,
        )

    def forecasts(self, journey_key: str) -> list[Forecast]:
        """See StoreTransaction."""
        return [
            Forecast(journey_key, int(version), first, last, replay_hash, _bands(bands), utc(saved_at))
            for version, first, last, replay_hash, bands, saved_at in self.session.rows(
                SQL["forecasts"], journey_key=journey_key
            )
        ]

    def record_snapshots(self, snapshots: pd.DataFrame) -> int:
        """See StoreTransaction."""
        self.session.stage("snapshots", snapshots, SNAPSHOTS)
        return self.session.execute(SQL["record_snapshots"])


def _values(counts: SnapshotCounts) -> dict[str, Any]:
    return {
        "journey_key": counts.journey_key,
        "as_of": counts.as_of,
        "features_id": counts.features_id,
        "features_rows": counts.features_rows,
        "segments": json_texts([counts.segments], column="accepted_snapshots.segments")[0].decode(),
    }


def _counts(journey_key: str, as_of: datetime, features_id: str | None, rows: int, segments: str) -> SnapshotCounts:
    parsed = {name: (str(snapshot_id), int(count)) for name, (snapshot_id, count) in from_json(segments).items()}
    return SnapshotCounts(journey_key, utc(as_of), features_id, rows, parsed)


def _bands(text: str) -> dict[str, list[Band]]:
    return {what: [Band(low, high) for low, high in week] for what, week in sorted(from_json(text).items())}
