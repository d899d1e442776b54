"""Replays as assets: journeys walked over the chosen days, into tables of their own, and what they came to.

They are given what a replay reads and those tables, and nothing that could reach a provider or change the live store.
"""

import warnings
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
from pydantic import Field

from assets.figures import journey_metadata
from assets.ownership import MARKETING_TEAM
from assets.partitions import daily
from assets.reports import Materialization, frame_schema
from assets.segments import segment_key
from journey_pipelines.documents import find_document, journey_keys
from journey_pipelines.engine.frames import TRANSITIONS
from journey_pipelines.errors import NotFoundError
from journey_pipelines.journeys.changes import changed
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.journeys.nodes import SplitNode
from journey_pipelines.reading import Readings
from journey_pipelines.replay import PartitionDays, Replayed, ResponseModel, replay
from journey_pipelines.snapshots.days import end_of_day
from journey_pipelines.snapshots.queries import Query
from journey_pipelines.store.postgres.replays import KeptReplay, ReplayTables


class ReplayConfig(dg.Config):
    """What is walked, and how its actions are answered. All may be left out: every journey, all actions succeed."""

    journey: str | None = Field(default=None, description="Key of a journey, or a document's file; else every journey")
    version: int | None = Field(default=None, description="A published version of it; else the newest")
    changes: list[str] = Field(default=[], description="Such as nodes.bonus.config.points=200")
    failing: dict[str, float] = Field(default={}, description="Share of an action type that fails: {send_sms: 0.02}")
    learn: bool = Field(default=False, description="As many fail as did in the live store so far")
    name: str | None = Field(default=None, description="What it is called; else the journeys and the days")


class ReplayName(dg.Config):
    """Which replay is looked at."""

    name: str | None = Field(default=None, description="Its name; else that of this run, else the newest")


def make_replays(segments: Mapping[str, Query]) -> list[dg.AssetsDefinition]:
    """`replay_history`, which depends on the asset of each segment, and `replay_metrics`."""
    shared: Mapping[str, Any] = {
        "group_name": "replays",
        "kinds": {"postgres"},
        "owners": [MARKETING_TEAM],
        "tags": {"domain": "journeys"},
        "code_version": "1",
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Parameter `backfill_policy`")  # Dagster calls it beta each time it loads
        history = dg.asset(
            deps=["features", "profiles", "events", *map(segment_key, segments)],
            partitions_def=daily,
            backfill_policy=dg.BackfillPolicy.single_run(),
            metadata={
                "dagster/column_schema": frame_schema({"replay": "str", **TRANSITIONS}),
                "dagster/table_name": "journeys_replay.transitions",
            },
            **shared,
        )
        metrics = dg.asset(
            deps=[dg.AssetDep("replay_history", partition_mapping=dg.AllPartitionMapping())],
            backfill_policy=dg.BackfillPolicy.single_run(),
            metadata={"dagster/table_name": "journeys_replay.replays"},
            **shared,
        )
        return [history(replay_history), metrics(replay_metrics)]


def replay_history(
    context: dg.AssetExecutionContext,
    config: ReplayConfig,
    readings: dg.ResourceParam[Readings],
    replays: dg.ResourceParam[ReplayTables],
) -> Materialization:
    """Journeys walked over all the days of this run, from nobody inside. Nothing is sent, the live store unchanged.

    A range of days is one run, since people carry over from each day to the next.
    """
    days = sorted(map(date.fromisoformat, context.partition_keys))
    documents = chosen_documents(config, readings, replays)
    name = config.name or name_of(documents, days)
    replayed = _walk(config, documents, days, readings, replays, name=name, run_id=context.run.run_id)
    for day, figures in figures_by_day(replays, name, documents, days).items():
        context.add_asset_metadata(figures, partition_key=day.isoformat())
    return dg.MaterializeResult(metadata=replay_metadata(name, replayed), data_version=dg.DataVersion(replayed.hash))


def replay_metrics(
    context: dg.AssetExecutionContext,
    config: ReplayName,
    readings: dg.ResourceParam[Readings],
    replays: dg.ResourceParam[ReplayTables],
) -> Materialization:
    """A replay's tables and plots, the same as those of the live journeys."""
    kept = _kept(replays, config.name, context.run.run_id)
    metadata: dict[str, Any] = {
        "replay": kept.replay,
        "days": f"{kept.first_day} to {kept.last_day}",
        "hash": kept.hash,
        "rows_per_second": round(kept.customer_days / kept.seconds) if kept.seconds else 0,
    }
    for document in kept.documents:
        journey = compile_journey(document, readings.catalog)
        found = replays.analytics(kept.replay, journey.key, splits=splits_of(journey.nodes))
        metadata |= journey_metadata(journey, found, as_of=end_of_day(kept.last_day))
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(kept.hash))


def chosen_documents(config: ReplayConfig, readings: Readings, replays: ReplayTables) -> list[Mapping[str, Any]]:
    """The documents that the configuration names, with its changes. Raises JourneysError for what is not there."""
    keys = [config.journey] if config.journey else journey_keys(readings, replays.published_keys())
    found = [find_document(key, readings, replays.published, version=config.version) for key in keys]
    return [compile_journey(changed(document, config.changes), readings.full_catalog).document for document in found]


def name_of(documents: Sequence[Mapping[str, Any]], days: Sequence[date]) -> str:
    """`welcome 2017-03-01 to 2017-03-30`: the same journeys over the same days replace each other."""
    return f"{', '.join(sorted(str(document['key']) for document in documents))} {days[0]} to {days[-1]}"


def splits_of(nodes: Mapping[str, Any]) -> list[str]:
    """Ids of the split nodes."""
    return [name for name, node in nodes.items() if isinstance(node, SplitNode)]


def replay_metadata(name: str, replayed: Replayed) -> dict[str, Any]:
    """What every day of a replay shares."""
    return {
        "replay": name,
        "days": f"{replayed.days[0]} to {replayed.days[-1]}",
        "hash": replayed.hash,
        "customer_days": replayed.customer_days,
        "seconds": round(replayed.seconds, 2),
        "rows_per_second": round(replayed.rows_per_second),
        "rows": dg.MetadataValue.json(dict(replayed.digest.rows)),
        "held": dg.MetadataValue.json({key: len(by_day) for key, by_day in replayed.held.items()}),
    }


def figures_by_day(
    replays: ReplayTables, name: str, documents: Sequence[Mapping[str, Any]], days: Sequence[date]
) -> dict[date, dict[str, int]]:
    """Of each day: who entered, ended and reached the goal, and what was sent, over all journeys of the replay."""
    figures = {day: {"entered": 0, "ended": 0, "converted": 0, "sent": 0} for day in days}
    for document in documents:
        found = replays.analytics(name, str(document["key"]))
        for day, entered, ended, converted in found.days.itertuples(index=False):
            for what, count in (("entered", entered), ("ended", ended), ("converted", converted)):
                figures[day][what] += int(count)
        sent = found.sends[found.sends["status"] == "sent"].groupby("day")["dispatches"].sum()
        for day, count in sent.items():
            figures[day]["sent"] += int(count)
    return figures


def _walk(
    config: ReplayConfig,
    documents: Sequence[Mapping[str, Any]],
    days: Sequence[date],
    readings: Readings,
    replays: ReplayTables,
    *,
    name: str,
    run_id: str,
) -> Replayed:
    """Walk, with the rows going to the tables as they are settled, all in one transaction."""
    response = ResponseModel.learnt(replays.past_dispatches()) if config.learn else ResponseModel(config.failing)
    past = PartitionDays(readings.snapshots, readings.warehouse.segments())
    with replays.writing(name) as writer:
        replayed = replay(
            documents, days, past, actions=readings.actions, response=response, policy=readings.policy, history=writer
        )
        figures = (replayed.hash, replayed.customer_days, replayed.seconds)
        writer.finish(KeptReplay(name, documents, days[0], days[-1], *figures), run_id=run_id)
    return replayed


def _kept(replays: ReplayTables, name: str | None, run_id: str) -> KeptReplay:
    found = replays.find(replay=name) if name else replays.find(run_id=run_id) or replays.find()
    if found is None:
        raise NotFoundError(f"there is no replay {name or 'yet'}; materialise replay_history over some days first")
    return found
