"""What must hold after a pass: guards, conservation, nobody overdue, no dispatch without a result."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import dagster as dg
import pandas as pd

from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.facts import Facts
from journey_pipelines.engine.grace import grace_began
from journey_pipelines.engine.passes import Report
from journey_pipelines.engine.planning import make_plan
from journey_pipelines.engine.ports import JourneyStore, Run
from journey_pipelines.engine.states import SETTLED, UNFINISHED

MOST_COUNTED: Final = 10_000

CHECKS: Final[Mapping[str, str]] = {
    "guards": "No journey was held: the snapshots are whole, the journeys' own limits kept, the forecasts met.",
    "conservation": "Whoever entered is active, completed or failed, and nothing else.",
    "nothing_overdue": "Nobody who was due was left behind.",
    "every_dispatch_has_a_result": "No dispatch was left without a result by a run that has ended.",
}


def check_specs(asset: str, names: Iterable[str]) -> list[dg.AssetCheckSpec]:
    """The declaration of these checks on an asset."""
    return [dg.AssetCheckSpec(name, asset=asset, description=CHECKS[name]) for name in names]


def check_guards(asset: str, report: Report) -> dg.AssetCheckResult:
    """Fails with the figures of every journey that the pass held."""
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="guards",
        passed=not report.held,
        description="; ".join(f"{key} is held: {reason}" for key, reason in report.held.items()) or None,
        metadata={
            "held": dg.MetadataValue.json(dict(report.held)),
            "release": f"journeys approve {report.run.run_id}" if report.held else "nothing to release",
            **_forecast_metadata(report),
        },
    )


def _forecast_metadata(report: Report) -> dict[str, dg.TableMetadataValue]:
    """What the run would do beside what was forecast, for the journeys that have a forecast."""
    rows: list[dict[str, str | int | float | bool | None]] = [
        {
            "journey": key,
            "what": figure.what,
            "found": figure.found,
            "low": figure.band.low,
            "high": figure.band.high,
            "day": figure.when,
            "is_outside": figure.is_outside,
        }
        for key, figures in sorted(report.figures.items())
        for figure in figures
    ]
    return {"forecast": dg.MetadataValue.table([dg.TableRecord(row) for row in rows])} if rows else {}


def check_conservation(asset: str, store: JourneyStore) -> dg.AssetCheckResult:
    """entered = active + completed + failed, for each journey; each state with what belongs to it."""
    with store.transaction() as transaction:
        figures = conservation(transaction.read("executions"))
    is_kept = figures["entered"] == figures["active"] + figures["completed"] + figures["failed"]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="conservation",
        passed=bool(is_kept.all()),
        metadata={"journeys": dg.MetadataValue.json(figures.to_dict(orient="index"))},
    )


def conservation(executions: pd.DataFrame) -> pd.DataFrame:
    """One row for each journey: entered, active, completed, failed. A row counts where state and end agree."""
    has_ended = executions["ended_at"].notna()
    has_outcome, has_failure = executions["outcome"].notna(), executions["failure"].notna()
    state = executions["state"]
    parts = pd.DataFrame(
        {
            "entered": True,
            "active": state.isin(UNFINISHED) & ~has_ended & ~has_outcome & ~has_failure,
            "completed": (state == "COMPLETED") & has_ended & has_outcome & ~has_failure,
            "failed": (state == "FAILED") & has_ended & has_failure & ~has_outcome,
        },
        index=executions.index,
    )
    return parts.groupby(executions["journey_key"]).sum().astype(int)


def check_nothing_overdue(asset: str, engine: Engine, facts: Facts, report: Report) -> dg.AssetCheckResult:
    """Counts who would still move at the run's `as_of`, journeys apart that are held or decided already."""
    left = overdue(engine, report.run, facts, {*report.held, *report.superseded})
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="nothing_overdue",
        passed=not left,
        metadata={"overdue": dg.MetadataValue.json(left), "as_of": report.run.as_of.isoformat()},
    )


def overdue(engine: Engine, run: Run, facts: Facts, excused: set[str]) -> dict[str, int]:
    """Due executions of each journey that has some, counted up to MOST_COUNTED for each version."""
    left: dict[str, int] = {}
    with engine.store.transaction() as transaction:
        plan = make_plan(transaction, engine.catalog, facts)
        for (key, version), journey in plan.versions.items():
            if key in excused:
                continue
            began = grace_began(journey, run)
            due = transaction.take_due(key, version, as_of=run.as_of, missing_before=began, limit=MOST_COUNTED).frame
            count = int(is_overdue(due, run.as_of).sum())
            if count:
                left[key] = left.get(key, 0) + count
    return left


def is_overdue(due: pd.DataFrame, as_of: datetime) -> pd.Series:
    """Which of the due executions can go on by themselves; index unchanged.

    Not those whom only an event woke, which their wait may refuse, nor those whose customer is missing for the moment.
    """
    has_result = due["action_status"].isin(SETTLED)
    is_missing = due["missing_since"].notna()
    return (has_result | (due["due_at"] <= pd.Timestamp(as_of))) & ~is_missing


def check_dispatches(asset: str, store: JourneyStore, report: Report) -> dg.AssetCheckResult:
    """Counts dispatches that should have left by `as_of`, and those out whose run has ended."""
    figures = unanswered(store, report.run, {*report.held, *report.superseded})
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="every_dispatch_has_a_result",
        passed=not any(figures.values()),
        metadata={"without_result": dg.MetadataValue.json(figures), "as_of": report.run.as_of.isoformat()},
    )


def unanswered(store: JourneyStore, run: Run, excused: set[str]) -> dict[str, int]:
    """How many dispatches of journeys that move are still `pending` or `sending`, deferred ones apart."""
    with store.transaction() as transaction:
        keys = sorted({v.journey_key for v in transaction.versions() if v.status in ("live", "archived")} - excused)
        return {
            status: len(
                transaction.take_dispatches(as_of=run.as_of, journey_keys=keys, status=status, limit=MOST_COUNTED)
            )
            for status in ("pending", "sending")
        }
