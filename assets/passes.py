"""How an asset's step becomes a pass of the engine: its run, and what it reports."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import dagster as dg

from journey_pipelines.delivery.channels import Channel
from journey_pipelines.delivery.providers.provider_channel import ProviderChannel
from journey_pipelines.engine.passes import Report
from journey_pipelines.engine.ports import Run


def make_run(context: dg.OpExecutionContext | dg.AssetExecutionContext, *, kind: str, as_of: datetime) -> Run:
    """A run of the engine in this step; each kind and each attempt of a step has an id of its own."""
    attempt = f"-{context.retry_number}" if context.retry_number else ""
    name = f"{context.run.run_id}-{kind}{attempt}"
    return Run(name, as_of, kind=kind, dagster_run_id=context.run.run_id)


def report_metadata(report: Report) -> dict[str, Any]:
    """The pass's figures for the materialisation."""
    return {
        "as_of": report.run.as_of.isoformat(),
        "entered": sum(report.entered.values()),
        "moved": report.moved,
        "dispatched": report.dispatched,
        "journeys": dg.MetadataValue.json(dict(report.summary())),
        "engine_run": report.run.run_id,
    }


def provider_metadata(channels: Mapping[str, Channel]) -> dict[str, Any]:
    """What each provider was asked and what became of it, as counts that name nobody; nothing of the outbox folder."""
    found = {
        name: {"provider": channel.provider.name, **channel.figures}
        for name, channel in channels.items()
        if isinstance(channel, ProviderChannel)
    }
    return {"providers": dg.MetadataValue.json(found)} if found else {}
