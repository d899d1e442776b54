"""What runs together: the day, the sweep of due executions, the drain of the outbox, the removal of old history."""

import dagster as dg

from assets.journeys import AsOf
from assets.passes import make_run
from journey_pipelines.composition import Installation
from journey_pipelines.engine.passes import advance_pass, start_pass
from journey_pipelines.live import engine_for

# A run is never retried by Dagster (a second worker may start beside a live one); the next tick goes on.
EFFECTS = {"dagster/max_retries": "0"}

daily_journeys = dg.define_asset_job(
    "daily_journeys",
    selection=dg.AssetSelection.assets("entries", "advances").upstream().materializable(),
    description="Snapshots, entries and movement of one day. Sends nothing; may be repeated.",
    tags={**EFFECTS, "dagster/max_runtime": "7200", "journeys/lane": "daily"},
)

dispatch = dg.define_asset_job(
    "dispatch",
    selection=dg.AssetSelection.assets("deliveries", "journey_metrics"),
    description="What waits in the outbox leaves. Knows no dates, so that no backfill can send.",
    tags={**EFFECTS, "dagster/max_runtime": "3600", "journeys/lane": "dispatch"},
)

replay = dg.define_asset_job(
    "replay",
    selection=dg.AssetSelection.assets("replay_history", "replay_metrics"),
    description="Journeys walked over the chosen days, and what they came to. Reaches nobody; may be repeated.",
    tags={"dagster/max_runtime": "7200", "journeys/lane": "replay"},
)


@dg.op(description="Manual starts enter and everybody who is due moves on, by the newest snapshots; nothing is sent.")
def advance_due_executions(
    context: dg.OpExecutionContext, config: AsOf, installation: dg.ResourceParam[Installation]
) -> dict[str, int]:
    """Two passes without deliveries; returns how many entered and how many moved."""
    engine, as_of = engine_for(installation), config.instant()
    facts = engine.source.at(as_of)
    started = start_pass(engine, make_run(context, kind="starts", as_of=as_of), facts=facts)
    moved = advance_pass(engine, make_run(context, kind="advance", as_of=as_of), facts=facts, delivers=False)
    figures = {"entered": sum(started.entered.values()), "moved": moved.moved}
    context.log.info("entered %(entered)s, moved %(moved)s", figures)
    return figures


@dg.job(
    description="Executions that are due between the daily runs, and those whom an event woke.",
    tags={**EFFECTS, "dagster/max_runtime": "900", "journeys/lane": "advance"},
)
def advance_due() -> None:
    """One op, no partitions."""
    advance_due_executions()


@dg.op(description="Executions that ended long ago go with all that belongs to them; who entered what when stays.")
def remove_old_history(
    context: dg.OpExecutionContext, config: AsOf, installation: dg.ResourceParam[Installation]
) -> dict[str, int]:
    """Returns how many rows of each table went, and how many partitions were dropped or were in use; counts only."""
    days = installation.settings.retention_days
    retained = installation.store.retain(as_of=config.instant(), days=days)
    figures = {**retained.removed, "dropped_partitions": retained.dropped, "busy_partitions": retained.busy}
    context.add_output_metadata({"kept_from": retained.kept_from.isoformat(), "kept_days": days, **figures})
    context.log.info("kept whole from %s on; removed %s", retained.kept_from, figures)
    return figures


@dg.job(
    description="History that is older than JOURNEYS_RETENTION_DAYS goes. May run beside all other jobs.",
    tags={**EFFECTS, "dagster/max_runtime": "7200", "journeys/lane": "history"},
)
def history_retention() -> None:
    """One op, no partitions."""
    remove_old_history()
