"""The walk over past days: one pass of the engine for each, over what was known then."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import pairwise
from time import monotonic
from typing import Any, Final

import pandas as pd

from journey_pipelines.delivery.actions.action_type import ActionType
from journey_pipelines.delivery.contact import ContactPolicy
from journey_pipelines.delivery.dispatcher import CallableDispatcher
from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.frames import EVENTS, conform
from journey_pipelines.engine.passes import run_pass
from journey_pipelines.engine.ports import Run, RunMode
from journey_pipelines.engine.retention import LEAST_DAYS
from journey_pipelines.errors import JourneysError
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.replay.days import PastDays
from journey_pipelines.replay.history import TABLES, Digest, History
from journey_pipelines.replay.response import ALL_SUCCEED, ResponseModel
from journey_pipelines.snapshots.days import end_of_day
from journey_pipelines.store.memory import MemoryStore

Progress = Callable[[date, int, int], None]
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAYS_BETWEEN_HANDING_OVER: Final = 8  # each time costs as much as a good part of a day's pass over few customers


@dataclass(frozen=True)
class Replayed:
    """What a replay came to."""

    days: Sequence[date]
    digest: Digest
    entered: Mapping[str, int]
    held: Mapping[str, Mapping[date, str]] = field(default_factory=dict)
    customer_days: int = 0
    seconds: float = 0.0

    @property
    def hash(self) -> str:
        """Equal for replays that came to the same rows."""
        return self.digest.hash

    @property
    def rows_per_second(self) -> float:
        """Customers looked at on all days together, in a second."""
        return self.customer_days / self.seconds if self.seconds else 0.0


def replay(
    documents: Sequence[Mapping[str, Any]],
    days: Sequence[date],
    past: PastDays,
    *,
    actions: Mapping[str, ActionType],
    response: ResponseModel = ALL_SUCCEED,
    policy: ContactPolicy | None = None,
    starts: pd.DataFrame | None = None,
    history: History | None = None,
    progress: Progress | None = None,
) -> Replayed:
    """Walk journeys over consecutive past days, in memory.

    Args:
        documents: journey documents; each is walked as the first version of its journey.
        days: in ascending order; each is one pass as of its last instant in UTC, as live runs do.
        past: snapshots and events of these days.
        actions: the action types, whose effects stay in memory.
        response: what actions are answered with.
        policy: caps and quiet hours.
        starts: manual STARTS, which enter when their time comes.
        history: gets every row once, when nothing changes it any more.
        progress: called before each day with the day, how many are done, and how many there are.

    What has ended is handed over as the walk goes on, so that the room that is needed does not grow with the days.
    Raises SnapshotError, before anything is walked, where something of a day is missing, and whatever a journey breaks
    with: a replay holds no journey for its faults.
    """
    if not days or any(later <= earlier for earlier, later in pairwise(days)):
        raise JourneysError("a replay needs days in ascending order, each once; choose a first and a last day")
    past.check(days)
    catalog = Catalog(actions=actions)
    walk = _Walk(
        engine=Engine(
            MemoryStore(), past.source, CallableDispatcher(actions, response.deliver, policy=policy), catalog
        ),
        past=past,
        sinks=[Digest(), *([] if history is None else [history])],
    )
    began = monotonic()
    # columns of texts live no longer than a pass here, and many are short: Arrow's set-up costs more than it gives
    with pd.option_context("mode.string_storage", "python"):
        walk.publish([compile_journey(document, catalog).document for document in documents], starts)
        for number, day in enumerate(days):
            if progress is not None:
                progress(day, number, len(days))
            walk.day(day, number)
        walk.hand_over_rest()
    digest = walk.sinks[0]
    assert isinstance(digest, Digest)
    return Replayed(days, digest, walk.entered, walk.held, walk.customer_days, monotonic() - began)


@dataclass
class _Walk:
    """A replay under way."""

    engine: Engine
    past: PastDays
    sinks: Sequence[History]
    entered: dict[str, int] = field(default_factory=dict)
    held: dict[str, dict[date, str]] = field(default_factory=dict)
    customer_days: int = 0

    def publish(self, documents: Sequence[Mapping[str, Any]], starts: pd.DataFrame | None) -> None:
        with self.engine.store.transaction() as transaction:
            for document in documents:
                transaction.publish(document, at=LONG_AGO)
            if starts is not None:
                transaction.add_starts(starts)

    def day(self, day: date, number: int) -> None:
        """One pass; now and then what has ended leaves the store."""
        events = conform(self.past.events(day).assign(is_used=False), EVENTS)
        self.engine.store.transact(lambda transaction: transaction.add_events(events))
        facts = self.past.facts(day)
        at = end_of_day(day)
        report = run_pass(self.engine, Run(f"replay-{number}", at, RunMode.REPLAY, kind="replay"), facts=facts)
        self.customer_days += 0 if facts.features is None else facts.features.rows
        for key, count in report.entered.items():
            self.entered[key] = self.entered.get(key, 0) + count
        for key, reason in report.held.items():
            self.held.setdefault(key, {})[day] = reason
        if (number + 1) % DAYS_BETWEEN_HANDING_OVER == 0:
            store = self.engine.store
            assert isinstance(store, MemoryStore)
            self._hand_over(store.drain(as_of=at, days=LEAST_DAYS)[1])

    def hand_over_rest(self) -> None:
        with self.engine.store.transaction() as transaction:
            self._hand_over({table: transaction.read(table) for table in TABLES})

    def _hand_over(self, rows: Mapping[str, pd.DataFrame]) -> None:
        for table in TABLES:
            if table in rows and len(rows[table]):
                for sink in self.sinks:
                    sink.take(table, rows[table])
