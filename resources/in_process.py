"""Jobs of the code location, run one after the other in this process, on the instance that the UI shows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import dagster as dg

STARTED_HERE: Final = "journeys/in_process"
QUIET: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
UNFINISHED: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True)
class RunOutcome:
    """What a run said of itself: its id and the asset checks that failed, as `asset: check`."""

    run_id: str
    failed_checks: tuple[str, ...]


@dataclass(frozen=True)
class InProcessRuns:
    """Runs of one process. Nobody else may use this on the same instance meanwhile: see `bury_dead`."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance

    def run_day(self, day: date) -> RunOutcome:
        """The job `daily_journeys` for one partition. What a step raises is raised here."""
        return self._run("daily_journeys", partition_key=day.isoformat())

    def dispatch(self, as_of: datetime) -> RunOutcome:
        """Of the job `dispatch` the deliveries, as of an instant. What a step raises is raised here."""
        config = {"ops": {"deliveries": {"config": {"as_of": as_of.isoformat()}}}}
        return self._run("dispatch", config=config, asset_selection=[dg.AssetKey("deliveries")])

    def measure(self) -> RunOutcome:
        """Of the job `dispatch` the metrics; drawing them once for many days saves a third of the dispatches' time."""
        return self._run("dispatch", asset_selection=[dg.AssetKey("journey_metrics")])

    def bury_dead(self) -> int:
        """Mark runs of this kind failed whose process is gone, and give back what they held; returns how many.

        A process that was killed cannot say so itself, and no daemon watches runs that were started outside it.
        """
        unfinished = dg.RunsFilter(statuses=UNFINISHED, tags={STARTED_HERE: "true"})
        dead = self.instance.get_runs(unfinished)
        for run in dead:
            self.instance.report_run_failed(run, "The process that ran it is gone.")
            self.instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        return len(dead)

    def _run(self, job: str, *, config: Mapping[str, Any] | None = None, **options: Any) -> RunOutcome:
        result = self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance, run_config={**QUIET, **(config or {})}, tags={STARTED_HERE: "true"}, **options
        )
        failed = [
            f"{check.asset_key.to_user_string()}: {check.check_name}"
            for check in result.get_asset_check_evaluations()
            if not check.passed
        ]
        return RunOutcome(result.run_id, tuple(failed))


@contextmanager
def in_process_runs(definitions: dg.Definitions, dagster_home: Path) -> Iterator[InProcessRuns]:
    """Runs on the instance of this DAGSTER_HOME."""
    with dg.DagsterInstance.from_config(str(dagster_home)) as instance:
        # keeps connections between events, which otherwise open one each: half of a short run's time
        instance.optimize_for_webserver(statement_timeout=60_000, pool_recycle=3600, max_overflow=20)
        yield InProcessRuns(definitions, instance)
