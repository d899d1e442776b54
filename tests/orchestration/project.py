"""What a test does with a project: publish, run days and dispatches in Dagster, read what came of it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from journey_pipelines.composition import Installation
from journey_pipelines.definitions import build_definitions
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.snapshots.days import end_of_day

DAY = date(2017, 3, 1)
NEXT_DAY = date(2017, 3, 2)
RUN_COLUMNS = ["run_id"]


@dataclass
class Project:
    """A folder with journeys, and the Dagster instance of its runs."""

    folder: Path
    instance: dg.DagsterInstance

    @cached_property
    def installation(self) -> Installation:
        return Installation.from_environment(os.environ, working_directory=self.folder)

    def publish(self, *names: str) -> None:
        """Publish documents of the sample project."""
        for name in names or ("welcome", "retention"):
            document = compile_journey(
                self.folder / "journeys" / f"{name}.yaml", self.installation.full_catalog
            ).document
            self.publish_document(document)

    def publish_document(self, document: Mapping[str, Any]) -> None:
        with self.installation.store.transaction() as transaction:
            transaction.publish(document, at=datetime(2017, 1, 1, tzinfo=UTC))

    def run_day(self, day: date, **options: Any) -> dg.ExecuteInProcessResult:
        return self._run("daily_journeys", partition_key=day.isoformat(), **options)

    def dispatch(self, day: date, **options: Any) -> dg.ExecuteInProcessResult:
        """Dispatch as of the end of the day."""
        config = {"ops": {"deliveries": {"config": {"as_of": end_of_day(day).isoformat()}}}}
        return self._run("dispatch", run_config=config, **options)

    def run_job(self, job: str, **options: Any) -> dg.ExecuteInProcessResult:
        return self._run(job, **options)

    def rows(self, table: str) -> pd.DataFrame:
        """A table of the store without what names a run, in an order that depends on no run."""
        with self.installation.store.transaction() as transaction:
            return comparable(transaction.read(table))

    def _run(self, job: str, **options: Any) -> dg.ExecuteInProcessResult:
        return build_definitions().resolve_job_def(job).execute_in_process(instance=self.instance, **options)


def comparable(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows without run ids, sorted by all their columns."""
    kept = frame.drop(columns=[name for name in RUN_COLUMNS if name in frame])
    order = kept.astype("str").sort_values(list(kept.columns)).index
    return kept.loc[order].reset_index(drop=True)


def failed_checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """Asset checks of a run that failed, by `asset: check`."""
    return {
        f"{check.asset_key.to_user_string()}: {check.check_name}": check
        for check in result.get_asset_check_evaluations()
        if not check.passed
    }
