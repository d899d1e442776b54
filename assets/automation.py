"""What starts the jobs by itself: schedules and sensors. All are off until somebody switches them on in the UI."""

from datetime import UTC, datetime
from typing import Final

import dagster as dg

from assets.arrivals import find_arrivals
from assets.jobs import advance_due, daily_journeys, dispatch, history_retention
from assets.ownership import MARKETING_TEAM
from journey_pipelines.engine.ports import JourneyStore

ACTIVE: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
JOBS: Final = ("daily_journeys", "advance_due", "dispatch")

daily_schedule = dg.build_schedule_from_partitioned_job(
    daily_journeys,
    name="daily_journeys_after_midnight",
    description="The partition of the day that has just ended, in UTC.",
    hour_of_day=0,
    minute_of_hour=15,
)


@dg.schedule(job=advance_due, cron_schedule="*/5 * * * *")
def advance_every_five_minutes(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Due executions between the daily runs; the store's claim, not this skip, keeps two runs apart."""
    return _tick(context, job="advance_due", op="advance_due_executions")


@dg.schedule(job=dispatch, cron_schedule="2-59/5 * * * *")
def dispatch_every_five_minutes(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """The drain of the outbox."""
    return _tick(context, job="dispatch", op="deliveries")


@dg.schedule(job=history_retention, cron_schedule="30 3 * * *")
def retention_at_night(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Well after the daily run, whose emptied partitions go too."""
    return _tick(context, job="history_retention", op="remove_old_history")


@dg.sensor(job=advance_due, minimum_interval_seconds=60)
def new_events_and_starts(
    context: dg.SensorEvaluationContext, store: dg.ResourceParam[JourneyStore]
) -> dg.RunRequest | dg.SkipReason:
    """Manual starts and events do not wait for the next tick of the schedule."""
    active = _active(context.instance, *JOBS)
    if active:
        return dg.SkipReason(f"{active} is active and will find what has come in.")
    arrivals = find_arrivals(store, datetime.now(UTC))
    if not arrivals:
        return dg.SkipReason("No manual start waits and no event has come that somebody waits for.")
    return dg.RunRequest(tags={"journeys/starts": str(arrivals.starts), "journeys/events": str(arrivals.events)})


@dg.run_failure_sensor(monitored_jobs=[daily_journeys, dispatch, advance_due, history_retention])
def failed_runs(context: dg.RunFailureSensorContext) -> dg.SkipReason:
    """Says in the tick which run failed and who owns it. Put the call of your pager here."""
    run = context.dagster_run
    return dg.SkipReason(f"{run.job_name} ({run.run_id}) failed: {context.failure_event.message}. {MARKETING_TEAM}")


def _tick(context: dg.ScheduleEvaluationContext, *, job: str, op: str) -> dg.RunRequest | dg.SkipReason:
    if _active(context.instance, job):
        return dg.SkipReason(f"{job} is active; the next tick will find what it leaves.")
    at = context.scheduled_execution_time.astimezone(UTC).isoformat()
    return dg.RunRequest(run_key=at, run_config={"ops": {op: {"config": {"as_of": at}}}})


def _active(instance: dg.DagsterInstance, *jobs: str) -> str | None:
    """The first of the jobs that has an unfinished run, or None."""
    for job in jobs:
        if instance.get_runs_count(dg.RunsFilter(job_name=job, statuses=ACTIVE)):
            return job
    return None
