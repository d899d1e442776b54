"""The journeys' own assets: who entered, who moved, what left."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

import dagster as dg
from pydantic import Field

from assets.ownership import MARKETING_TEAM
from assets.partitions import daily, day_before, partition_day, partition_end
from assets.pass_lineage import pass_lineage
from assets.passes import make_run, provider_metadata, report_metadata
from assets.reports import Materialization, frame_schema
from assets.segments import segment_key
from assets.soundness import (
    check_conservation,
    check_dispatches,
    check_guards,
    check_nothing_overdue,
    check_specs,
)
from journey_pipelines.composition import Installation
from journey_pipelines.delivery.channels import Channel
from journey_pipelines.engine.compute import Compute
from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.facts import Facts
from journey_pipelines.engine.frames import DISPATCHES, EXECUTIONS, TRANSITIONS
from journey_pipelines.engine.passes import advance_pass, run_pass
from journey_pipelines.errors import SettingsError
from journey_pipelines.live import engine_for, record_snapshots
from journey_pipelines.snapshots.queries import Query

DATED_RUN = ("dagster/partition", "dagster/backfill", "dagster/asset_partition_range_start")


class AsOf(dg.Config):
    """The instant of a pass that belongs to no partition."""

    as_of: str | None = Field(default=None, description="ISO-8601 with its offset, as 2017-03-01T23:59:59Z; else now")

    def instant(self) -> datetime:
        """The instant in UTC. Raises SettingsError for a text that is none."""
        if self.as_of is None:
            return datetime.now(UTC)
        try:
            given = datetime.fromisoformat(self.as_of)
        except ValueError:
            given = None
        if given is None or given.tzinfo is None:
            raise SettingsError(f"as_of is {self.as_of!r}; expected an instant such as 2017-03-01T23:59:59Z.")
        return given.astimezone(UTC)


def make_movement(segments: Mapping[str, Query]) -> dg.AssetsDefinition:
    """The assets `entries`, which depends on the asset of each segment, and `advances`.

    They are one step, since a day's entries follow the advances of the day before: as two steps a backfill would let
    all its days enter before the first of them moves. For the same reason `advances` does not name `entries` as its
    origin: Dagster's backfills stand still where a step has an inner dependency and waits for its own day before.
    """

    @dg.multi_asset(
        name="movement",
        specs=[_entries_spec(segments), _advances_spec()],
        check_specs=[
            *check_specs("entries", ["guards"]),
            *check_specs("advances", ["conservation", "nothing_overdue"]),
        ],
    )
    def movement(
        context: dg.AssetExecutionContext,
        installation: dg.ResourceParam[Installation],
        compute: dg.ResourceParam[Compute],
    ) -> tuple[Materialization, Materialization]:
        """Who enters at the end of the day, then everybody who is due moves on. Sends nothing; may be repeated."""
        as_of = partition_end(context)
        engine, facts = _pinned(installation, compute, partition_day(context), as_of)
        run = make_run(context, kind="run", as_of=as_of)
        report = run_pass(engine, run, facts=facts, delivers=False)
        entries: Materialization = dg.MaterializeResult(
            asset_key="entries",
            metadata={
                **report_metadata(report),
                **pass_lineage("entries", report.snapshots, installation),
                "dagster/partition_row_count": sum(report.entered.values()),
            },
            check_results=[check_guards("entries", report)],
        )
        advances: Materialization = dg.MaterializeResult(
            asset_key="advances",
            metadata={
                **report_metadata(report),
                **pass_lineage("advances", report.snapshots, installation),
                "dagster/partition_row_count": report.moved,
            },
            check_results=[
                check_conservation("advances", engine.store),
                check_nothing_overdue("advances", engine, facts, report),
            ],
        )
        return entries, advances

    return movement


def _entries_spec(segments: Mapping[str, Query]) -> dg.AssetSpec:
    return dg.AssetSpec(
        "entries",
        deps=[
            dg.AssetDep("entries", partition_mapping=day_before),
            "features",
            "profiles",
            *map(segment_key, segments),
        ],
        description="Who enters each journey at the end of the day. Materialised again, nobody enters twice.",
        metadata={"dagster/column_schema": frame_schema(EXECUTIONS), "dagster/table_name": "journeys.executions"},
        **_OF_A_DAY,
    )


def _advances_spec() -> dg.AssetSpec:
    return dg.AssetSpec(
        "advances",
        deps=[
            dg.AssetDep("advances", partition_mapping=day_before),
            "features",
            "profiles",
            "event_inbox",
            "campaigns",
        ],
        description="Everybody who is due at the end of the day moves on; what is to be sent waits in the outbox.",
        metadata={"dagster/column_schema": frame_schema(TRANSITIONS), "dagster/table_name": "journeys.transitions"},
        **_OF_A_DAY,
    )


_OF_A_DAY: Final[Mapping[str, Any]] = {
    "partitions_def": daily,
    "group_name": "journeys",
    "kinds": {"postgres"},
    "owners": [MARKETING_TEAM],
    "tags": {"domain": "journeys"},
    "code_version": "1",
}


@dg.asset(
    deps=[dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping()) for name in ("entries", "advances")],
    group_name="delivery",
    kinds={"postgres"},
    owners=[MARKETING_TEAM],
    tags={"domain": "journeys"},
    code_version="1",
    pool="delivery",
    metadata={"dagster/column_schema": frame_schema(DISPATCHES), "dagster/table_name": "journeys.dispatches"},
    check_specs=check_specs("deliveries", ["guards", "conservation", "every_dispatch_has_a_result"]),
)
def deliveries(
    context: dg.AssetExecutionContext,
    config: AsOf,
    installation: dg.ResourceParam[Installation],
    compute: dg.ResourceParam[Compute],
    channels: dg.ResourceParam[Mapping[str, Channel]],
) -> Materialization:
    """What waits in the outbox leaves, and whoever waited for its result moves on, until nothing is left to send.

    Has no partitions, and refuses to run inside a run or a backfill of dates: history is never sent again.
    """
    refuse_dates(context.run.tags)
    engine = replace(engine_for(installation), compute=compute, dispatcher=installation.dispatcher_over(channels))
    run = make_run(context, kind="dispatch", as_of=config.instant())
    report = advance_pass(engine, run)
    return dg.MaterializeResult(
        metadata={
            **report_metadata(report),
            **pass_lineage("deliveries", report.snapshots, installation),
            **provider_metadata(channels),
        },
        check_results=[
            check_guards("deliveries", report),
            check_conservation("deliveries", engine.store),
            check_dispatches("deliveries", engine.store, report),
        ],
    )


def _pinned(installation: Installation, compute: Compute, day: date, as_of: datetime) -> tuple[Engine, Facts]:
    """The engine and the facts of exactly this day's partitions, noted in the store."""
    engine = replace(engine_for(installation, day), compute=compute)
    facts = engine.source.at(as_of)
    record_snapshots(installation, facts)
    return engine, facts


def refuse_dates(tags: Mapping[str, str]) -> None:
    """Raise Failure in a run that was asked for by date."""
    found = [tag for tag in DATED_RUN if tag in tags]
    if found:
        raise dg.Failure(
            f"deliveries was asked for together with dates (run tag {found[0]} = {tags[found[0]]}), and a "
            "backfill must not send. Materialise the dated assets without it; then run the job `dispatch`.",
            allow_retries=False,
        )
