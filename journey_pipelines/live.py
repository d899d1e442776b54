"""A live run, part by part, for the command line and Dagster's assets alike: a day's snapshots, its events, the pass.

Belongs here: the order of these parts, and which snapshots a run reads. Does not belong here: any decision about a
customer (engine), or which class stands behind a setting (composition).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pandas as pd

from journey_pipelines.composition import Installation
from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.facts import Facts
from journey_pipelines.engine.frames import EVENTS as EVENT_COLUMNS
from journey_pipelines.engine.frames import SNAPSHOTS, conform
from journey_pipelines.engine.passes import Report, advance_pass, run_pass
from journey_pipelines.engine.ports import Run, StoreTransaction
from journey_pipelines.engine.single import SingleAdvance, advance_one, find_one
from journey_pipelines.engine.states import ENDED
from journey_pipelines.errors import JourneyDocumentError, JourneysError
from journey_pipelines.journeys.journey import Journey, compile_journey
from journey_pipelines.reading import Readings
from journey_pipelines.snapshots.build import parts_of_day
from journey_pipelines.snapshots.days import end_of_day, end_of_day_before
from journey_pipelines.snapshots.parquet import EVENTS, FEATURES, PROFILES
from journey_pipelines.snapshots.sources import ParquetSource

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many parts are done, and how many there are."""


def run_whole_day(
    installation: Installation, day: date, *, as_of: datetime | None = None, progress: Progress | None = None
) -> Report:
    """Everything of one day: build what is missing, take in events and campaigns, run the pass."""
    tell = progress or _say_nothing
    built = prepare_day(installation, day, progress=lambda what, done, total: tell(what, done, total + 2))
    steps = len(built) + 2
    tell("events and campaigns", steps - 2, steps)
    ingest_day(installation, day)
    register_campaigns(installation, as_of=end_of_day(day))
    tell("entries, movement, deliveries", steps - 1, steps)
    report = run_day(installation, day, as_of=as_of)
    tell("done", steps, steps)
    return report


def prepare_day(installation: Readings, day: date, *, progress: Progress | None = None) -> list[str]:
    """Build those of the day's snapshots that are not there yet; returns their kinds, in order.

    Raises WarehouseError or SnapshotError, which leave whole snapshots only.
    """
    store = installation.snapshots
    parts = parts_of_day(installation.warehouse, store, installation.models, day)
    missing = [(kind, make) for kind, make in parts.items() if not store.path(kind, day).is_file()]
    tell = progress or _say_nothing
    for done, (kind, make) in enumerate(missing):
        tell(kind, done, len(missing))
        make()
    return [kind for kind, _ in missing]


def ingest_day(installation: Installation, day: date) -> int:
    """Store the events received on the day, and on the days since the last one that was taken in; returns how many
    are new.

    Needs the day's events partition. A second call adds nothing.
    """
    snapshot = installation.snapshots.read(EVENTS, day)
    events = conform(snapshot.frame.assign(is_used=False), EVENT_COLUMNS)
    last = _last_ingested(installation)
    count = 0
    if last is not None and last < day - timedelta(days=1):
        count = ingest_events(installation, since=end_of_day(last), as_of=end_of_day_before(day))
    taken_in = _snapshot_rows([(snapshot.snapshot_id, EVENTS, EVENTS, day, snapshot.rows)])

    def store(transaction: StoreTransaction) -> int:
        transaction.record_snapshots(taken_in)
        return transaction.add_events(events)

    return count + installation.store.transact(store)


def ingest_events(installation: Installation, *, since: datetime, as_of: datetime) -> int:
    """Store the events that the warehouse received after `since` and by `as_of`; returns how many are new."""
    events = installation.warehouse.events(since, as_of)
    return installation.store.transact(lambda transaction: transaction.add_events(events))


def register_campaigns(installation: Installation, *, as_of: datetime) -> int:
    """Store the warehouse's campaigns that were planned by `as_of`; returns how many are new."""
    campaigns = installation.warehouse.campaigns(as_of)
    return installation.store.transact(lambda transaction: transaction.add_campaigns(campaigns))


def run_day(
    installation: Installation,
    day: date,
    *,
    as_of: datetime | None = None,
    run_id: str | None = None,
    dagster_run_id: str | None = None,
) -> Report:
    """One pass over exactly the day's snapshots, which must be there; by default `as_of` is the day's last instant."""
    at = as_of or end_of_day(day)
    engine = engine_for(installation, day)
    facts = engine.source.at(at)
    record_snapshots(installation, facts)
    run = Run(run_id or new_run_id("run", at), at, kind="run", dagster_run_id=dagster_run_id)
    return run_pass(engine, run, facts=facts)


def advance_due(
    installation: Installation, as_of: datetime, *, run_id: str | None = None, dagster_run_id: str | None = None
) -> Report:
    """Move and deliver what is due at `as_of`, over the newest snapshots on or before it; nobody enters."""
    run = Run(run_id or new_run_id("advance", as_of), as_of, kind="advance", dagster_run_id=dagster_run_id)
    return advance_pass(engine_for(installation), run)


@dataclass(frozen=True)
class Continuation:
    """What became of an event that was given to one execution."""

    is_new: bool  # False: an event of its id was stored before
    advance: SingleAdvance


def continue_execution(
    installation: Installation, execution_id: str, event: pd.DataFrame, *, as_of: datetime
) -> Continuation:
    """Store an event of the execution's customer (one EVENTS row without customer_id); advance that execution alone.

    It moves up to where it waits again or requests an action, which leaves with the next run. Raises NotFoundError for
    an unknown id, JourneysError for an execution that has ended, and what reading the snapshots raises; then nothing
    is stored.
    """
    with installation.store.transaction() as transaction:
        found = _unfinished(transaction, execution_id)
    engine = engine_for(installation)
    facts = engine.source.at(as_of)
    with installation.store.transaction() as transaction:
        count = transaction.add_events(conform(event.assign(customer_id=found["customer_id"]), EVENT_COLUMNS))
    run = Run(new_run_id("continue", as_of), as_of, kind="continue")
    return Continuation(count > 0, advance_one(engine, run, execution_id, facts=facts))


def _unfinished(transaction: StoreTransaction, execution_id: str) -> Mapping[str, Any]:
    found = find_one(transaction, execution_id)
    if found["state"] in ENDED:
        raise JourneysError(
            f"execution {execution_id} has ended ({found['state']}) and takes no event; nothing was added"
        )
    return found


def engine_for(installation: Installation, day: date | None = None) -> Engine:
    """The engine over the snapshots of one day, or over the newest ones; the warehouse says which segments exist."""
    segments = installation.warehouse.segments()
    source = ParquetSource(installation.snapshots, segments=segments, pinned_date=day)
    return replace(installation.engine, source=source)


def record_snapshots(installation: Installation, facts: Facts) -> int:
    """Note in the store which snapshots a run reads; returns how many are new."""
    rows = [(s.snapshot_id, "segment", name, s.snapshot_date, s.rows) for name, s in sorted(facts.segments.items())]
    if facts.features is not None:
        features = facts.features
        rows.append((features.snapshot_id, FEATURES, FEATURES, features.snapshot_date, features.rows))
    if facts.profiles is not None:
        profiles = facts.profiles
        rows.append((profiles.snapshot_id, PROFILES, PROFILES, profiles.snapshot_date, profiles.rows))
    noted = _snapshot_rows(rows)
    return installation.store.transact(lambda transaction: transaction.record_snapshots(noted))


def newest_journeys(installation: Installation) -> list[Journey]:
    """The newest version of each published journey, by key, without those that cannot be compiled any more."""
    with installation.store.transaction() as transaction:
        newest = {stored.journey_key: stored for stored in transaction.versions()}
    found = []
    for stored in newest.values():
        with suppress(JourneyDocumentError):
            found.append(compile_journey(stored.document, installation.catalog, version=stored.version))
    return found


def new_run_id(kind: str, as_of: datetime) -> str:
    """A new id that says what ran and for which time."""
    return f"{kind}-{as_of.astimezone(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"


def _say_nothing(_what: str, _done: int, _total: int) -> None:
    return None


def _last_ingested(installation: Installation) -> date | None:
    with installation.store.transaction() as transaction:
        known = transaction.read("snapshots", kind=EVENTS)
    return known["snapshot_date"].max().date() if len(known) else None


def _snapshot_rows(rows: list[tuple[str, str, str, date, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(SNAPSHOTS))
    return conform(frame.assign(snapshot_date=pd.to_datetime(frame["snapshot_date"], utc=True)), SNAPSHOTS)
