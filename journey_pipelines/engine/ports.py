"""What the engine needs from outside: a transactional journey store and a dispatcher. Frames as in `frames`."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeVar

import pandas as pd

from journey_pipelines.engine.bands import Forecast
from journey_pipelines.engine.erasing import Erasing
from journey_pipelines.engine.shards import ALL, Shards

T = TypeVar("T")
JourneyStatus = Literal["draft", "live", "paused", "archived"]


class RunMode(StrEnum):
    """Whether a run is about real customers or a rehearsal."""

    LIVE = "live"
    REPLAY = "replay"


@dataclass(frozen=True)
class Run:
    """One pass of the engine."""

    run_id: str
    as_of: datetime
    mode: RunMode = RunMode.LIVE
    kind: str = "run"  # run | advance | continue | dispatch | entries: what asked for it
    dagster_run_id: str | None = None


@dataclass(frozen=True)
class StoredVersion:
    """One published version of a journey, with the status that the journey has now."""

    journey_key: str
    version: int
    document: Mapping[str, Any]
    status: JourneyStatus
    published_at: datetime


@dataclass(frozen=True)
class SnapshotCounts:
    """The snapshots of one journey at one run: feature snapshot and segments, each with id and row count."""

    journey_key: str
    as_of: datetime
    features_id: str | None
    features_rows: int
    segments: Mapping[str, tuple[str, int]] = field(default_factory=dict)  # name -> (snapshot_id, rows)


@dataclass(frozen=True)
class Hold:
    """A journey that a run left untouched, why, and what it saw."""

    run_id: str
    journey_key: str
    reason: str
    counts: SnapshotCounts
    approved_at: datetime | None = None


@dataclass(frozen=True)
class Claim:
    """A chunk of due executions, and where the next one begins."""

    frame: pd.DataFrame  # EXECUTIONS, by shard and order of entry; empty where there are no more
    cursor: str  # known to its store only


@dataclass(frozen=True)
class Changes:
    """What one chunk writes, in one transaction."""

    # EXECUTIONS: rows that are there already, replaced; of `context` the keys that are named, `visits` unless empty
    executions: pd.DataFrame
    transitions: pd.DataFrame  # TRANSITIONS: appended
    dispatches: pd.DataFrame  # DISPATCHES: new rows; an existing key is an error
    dispatch_updates: pd.DataFrame  # DISPATCHES: rows that are there already, replaced whole
    used_event_ids: pd.Index  # events that ended a wait or met a goal


@dataclass(frozen=True)
class Retained:
    """What a retention removed; counts only."""

    kept_from: date  # executions that ended on this day or later are kept, whole
    removed: Mapping[str, int] = field(default_factory=dict)  # table -> rows; only tables that lost some
    dropped: int = 0  # partitions of tables
    busy: int = 0  # partitions that could go but were in use; the next retention takes them


class JourneyStore(Protocol):
    """Where journeys live. Two implementations (memory, Postgres) pass one behaviour suite."""

    def transaction(self) -> AbstractContextManager["StoreTransaction"]:
        """One transaction: committed at the end of the block, rolled back when it raises."""

    def transact(self, work: Callable[["StoreTransaction"], T]) -> T:
        """What the work gives, in one transaction that is tried again, with pauses, where that can help.

        That is after a conflict with another transaction (a bounded number of times) and while the store cannot be
        reached (for a bounded time); then StoreConflictError or StoreUnavailableError. So the work must be repeatable:
        it may run several times, and once more after its commit where the connection was lost while it committed. It
        leaves its own notes alone until it is sure of them: what it returns is that of the try that was committed.
        """

    def run_lock(self, run_id: str) -> AbstractContextManager[None]:
        """Marks the run as alive while the block lasts, so that nobody takes its `sending` rows for abandoned."""

    def retain(self, *, as_of: datetime, days: int) -> Retained:
        """Remove executions that ended more than so many days (UTC) before that of `as_of`, with all that belongs to
        them, and events, runs and settled starts that are as old.

        Never who entered what when, so that re-entry is decided as before, nor anything of an execution that has not
        ended. A store that keeps days together may let transitions, or days that share a partition, go later. May be
        repeated, and beside runs whose `as_of` is not as old. Raises JourneysError for fewer days than
        `engine.retention.LEAST_DAYS`.
        """


class StoreTransaction(Erasing, Protocol):
    """Everything the engine reads and writes. Frames returned are the caller's own copies."""

    def take_turn(self, what: str) -> None:
        """Wait until no other transaction has this turn; it ends with the transaction."""

    # journeys and versions

    def publish(self, document: Mapping[str, Any], *, at: datetime) -> int:
        """Freeze a document as the next version of its key and set the journey live (paused stays paused).

        Publishing what the newest version says already returns that version. Raises StoreError if archived.
        """

    def set_status(self, journey_key: str, status: JourneyStatus) -> None:
        """Raises NotFoundError for an unknown key."""

    def paused(self) -> frozenset[str]:
        """Keys of the journeys that are paused now."""

    def versions(self, journey_key: str | None = None) -> list[StoredVersion]:
        """All versions (of one journey), by key and version."""

    def unfinished_versions(self) -> frozenset[tuple[str, int]]:
        """(journey key, version) of every unfinished execution."""

    # runs, holds, acceptance

    def open_run(self, run: Run) -> None:
        """Record the start. The same run_id twice is an error."""

    def close_run(self, run_id: str, summary: Mapping[str, Any]) -> None:
        """Record the end with its figures (JSON)."""

    def accepted(self, journey_key: str) -> SnapshotCounts | None:
        """The last snapshots that this journey accepted."""

    def accept(self, counts: SnapshotCounts) -> None:
        """Replace the last accepted snapshots of the journey."""

    def hold(self, hold: Hold) -> None:
        """Record that a run left a journey untouched."""

    def holds(self, run_id: str | None = None) -> list[Hold]:
        """Holds of a run, or all, newest as_of first."""

    def approve(self, run_id: str, *, at: datetime) -> list[str]:
        """Approve the holds of a run; returns the journey keys. Raises NotFoundError if the run held nothing."""

    def save_forecast(self, forecast: Forecast) -> None:
        """Keep it (its `saved_at` is needed) in place of the one before of its journey's version. Raises StoreError for
        a version that is not published."""

    def forecasts(self, journey_key: str) -> list[Forecast]:
        """Those of the journey's versions that have one, oldest version first."""

    # entry

    def entries(self, journey_key: str, customer_ids: pd.Index) -> pd.DataFrame:
        """Of those customers who ever entered, one row each: customer_id, entry_number, entered_at (both of the last
        entry) and is_unfinished."""

    def add_executions(self, executions: pd.DataFrame) -> pd.Index:
        """Insert new EXECUTIONS rows; returns the ids that were inserted. One that would be a second unfinished
        execution of its (journey, customer), or has an id that exists, is left out."""

    def add_starts(self, starts: pd.DataFrame) -> int:
        """Queue manual starts (STARTS, status waiting); an existing start_id is left out. Returns how many are new."""

    def waiting_starts(self, journey_key: str, as_of: datetime) -> pd.DataFrame:
        """STARTS with status waiting and `at` <= as_of, by (at, start_id), locked."""

    def settle_starts(self, starts: pd.DataFrame) -> None:
        """Write status and reason of the given start_ids (columns start_id, status, reason)."""

    # movement

    def mark_missing(self, journey_key: str, customer_ids: pd.Index, since: datetime) -> None:
        """Set `missing_since` of their unfinished executions where it is null."""

    def clear_missing(self, journey_key: str, customer_ids: pd.Index) -> None:
        """Null `missing_since` of their unfinished executions."""

    def take_due(
        self,
        journey_key: str,
        version: int,
        *,
        as_of: datetime,
        missing_before: datetime,
        results_only: bool = False,
        shards: Shards = ALL,
        after: str = "",
        limit: int,
    ) -> Claim:
        """Claim at most `limit` due executions of one version, of customers of these shards, beyond the cursor `after`.

        Rows are locked until the transaction ends; rows that somebody else holds are passed over. Due is an
        unfinished execution with an `action_status` of sent, skipped or failed; and, unless `results_only`, one with
        `due_at` <= as_of, with `missing_since` <= missing_before, or whose `waiting_for` names the type of an event of
        its customer with events_since < occurred_at <= as_of and received_at <= as_of.
        """

    def take_standing(
        self, journey_key: str, version: int, node_ids: Sequence[str], *, after: str = "", limit: int
    ) -> Claim:
        """Claim at most `limit` unfinished executions of one version at these nodes, due or not, beyond the cursor.

        Locked and passed over as by `take_due`.
        """

    def take_one_due(self, execution_id: str, *, as_of: datetime, missing_before: datetime) -> pd.DataFrame:
        """The EXECUTIONS row with this id, locked, if it is due as in `take_due`; no row otherwise.

        Waits for whoever holds it, for a bounded time; then StoreConflictError.
        """

    def lock_executions(self, execution_ids: pd.Index, *, waits: bool = True) -> pd.DataFrame:
        """EXECUTIONS with these ids, locked, in any order. Waits for other transactions, or passes over their rows.

        Executions are locked before their dispatches; who holds dispatches already does not wait.
        """

    def save(self, changes: Changes) -> None:
        """Write one chunk. Raises StoreError if an execution is not there or a dispatch key exists."""

    # events, accounts

    def add_events(self, events: pd.DataFrame) -> int:
        """Insert EVENTS; an event_id that exists is left out. Returns how many are new."""

    def events(
        self, customer_ids: pd.Index, event_types: Sequence[str], *, after: datetime, as_of: datetime
    ) -> pd.DataFrame:
        """EVENTS of these customers and types with after < occurred_at <= as_of and received_at <= as_of, ordered by
        (occurred_at, event_id)."""

    def balances(self, customer_ids: pd.Index) -> pd.DataFrame:
        """One row for each account of these customers, lowest program first: customer_id, program_id,
        points_balance."""

    def earn_points(self, transactions: pd.DataFrame) -> pd.DataFrame:
        """Find or create accounts and award points, once for each dispatch_key.

        Takes POINTS_TRANSACTIONS without balance_after; returns them with it, in the order given; for a dispatch_key
        that exists already, the stored row.
        """

    def campaigns(self, campaign_ids: Sequence[int]) -> pd.DataFrame:
        """Known campaigns: campaign_id, name, channel."""

    def add_campaign_executions(self, executions: pd.DataFrame) -> None:
        """Insert CAMPAIGN_EXECUTIONS; a dispatch_key that exists is left out."""

    # outbox

    def take_dispatches(
        self, *, as_of: datetime, journey_keys: Sequence[str], status: str = "pending", limit: int
    ) -> pd.DataFrame:
        """Claim DISPATCHES of these journeys and this status with `next_at` null or <= as_of, locked, others' rows
        passed over; ordered by priority (highest first), journey_key, due_at, requested_at, execution_id, key."""

    def dispatches_of(self, execution_ids: pd.Index) -> pd.DataFrame:
        """Unsettled DISPATCHES (pending, sending, retry, unknown) of these executions, locked."""

    def save_dispatches(self, dispatches: pd.DataFrame) -> None:
        """Replace existing DISPATCHES rows whole."""

    def abandon_sending(self) -> int:
        """`sending` rows whose run is not alive become `unknown`, with `next_at` null. Returns how many."""

    def suppressed(self, channel: str, addresses: pd.Index, *, purpose: str = "marketing") -> pd.Index:
        """Those addresses that are on the channel's suppression list, for all purposes or for this one."""

    def dispatches_with(self, keys: pd.Index) -> pd.DataFrame:
        """DISPATCHES with these keys, settled ones too, locked; ordered by key."""

    def add_receipts(self, receipts: pd.DataFrame) -> pd.DataFrame:
        """Insert RECEIPTS; an event of a provider that is there already is left out. Returns those that are new."""

    def take_receipts(self, journey_keys: Sequence[str], *, limit: int) -> pd.DataFrame:
        """Claim RECEIPTS that nobody has applied, of dispatches of these journeys that are settled or unknown; others'
        rows passed over; ordered by at, provider, event_id."""

    def mark_applied(self, receipts: pd.DataFrame) -> None:
        """Note that these RECEIPTS (provider, event_id) have been applied."""

    def sends_since(self, customer_ids: pd.Index, since: datetime) -> pd.DataFrame:
        """Messages that left (sent, sending, unknown) with left_at >= since: customer_id, action_type, left_at."""

    # what reports and the command line need

    def add_campaigns(self, campaigns: pd.DataFrame) -> int:
        """Insert CAMPAIGNS; a campaign_id that exists is left out. Returns how many are new."""

    def add_suppressions(self, suppressions: pd.DataFrame) -> int:
        """Insert SUPPRESSIONS; an address that the channel's list has for that purpose is left out. Returns how many
        are new."""

    def remove_suppressions(self, channel: str, addresses: pd.Index) -> int:
        """Take addresses off the channel's list, whatever the purpose. Returns how many rows are gone."""

    def record_snapshots(self, snapshots: pd.DataFrame) -> int:
        """Insert SNAPSHOTS; a snapshot_id that exists is left out. Returns how many are new."""

    def find_execution(self, execution_id: str) -> pd.DataFrame:
        """The EXECUTIONS row with this id; no row where there is none. Not locked."""

    def executions_of(self, customer_id: str) -> pd.DataFrame:
        """All EXECUTIONS of a customer, in the order of entry. Not locked."""

    def status_counts(self) -> pd.DataFrame:
        """journey_key, journey_version, state, current_node_id and count, ordered by the first four."""

    def dispatch_counts(self) -> pd.DataFrame:
        """journey_key, action_type, status and count, ordered by the first three."""

    # reading whole tables, for reports, tests and the command line

    def read(self, table: str, **equals: Any) -> pd.DataFrame:
        """All rows of executions, transitions, dispatches, events, starts, points_transactions, campaign_executions,
        campaigns, snapshots, receipts, runs or holds whose columns equal the given values (None: is null); in the order
        in which they were written."""


@dataclass(frozen=True)
class Departure:
    """Dispatches that were about to leave, parted by what became of them; DISPATCHES frames."""

    leaving: pd.DataFrame  # payload rendered, address present, consented
    settled: pd.DataFrame  # skipped or failed, with reason and status
    deferred: pd.DataFrame  # still pending, next_at in the future (quiet hours, frequency cap)


class Dispatcher(Protocol):
    """How dispatches leave. The live one has channels; a simulation has a callable."""

    def depart(self, dispatches: pd.DataFrame, context: "DepartureContext", transaction: StoreTransaction) -> Departure:
        """Settle address, consent, suppression, staleness, caps, quiet hours and rendering, column-wise."""

    def deliver(self, leaving: pd.DataFrame) -> pd.DataFrame:
        """Hand them over; returns key, status (sent | failed | retry | unknown), result (dict). Outside transactions;
        a key without an answer counts as unknown."""

    def reconcile(self, unknown: pd.DataFrame) -> pd.DataFrame:
        """What the provider says of dispatches whose fate we do not know: key, status, result. `sent` or `failed`
        where it knows them, `retry` where they provably never left; no row where nobody can tell. Outside
        transactions."""

    def perform(self, sent: pd.DataFrame, transaction: StoreTransaction) -> pd.DataFrame:
        """The effects in our own store (points, campaigns) of dispatches just sent, inside the transaction that
        records their results; returns key, status, result (what to add to the action's result)."""

    def suppress(self, answered: pd.DataFrame, transaction: StoreTransaction) -> pd.DataFrame:
        """Put addresses that the answers call dead on the suppression lists of their channels, inside the transaction
        that records the results; returns the DISPATCHES rows with results that name no address."""


@dataclass(frozen=True)
class DepartureContext:
    """What rendering and consent read: one row for each dispatch, aligned with the dispatches' rows.

    `variables` gives any dotted variable (`customer.first_name`, `account.points_balance`, `baskets_30d`,
    `action_result_bonus`) as an object Series of JSON values with None for null.
    """

    as_of: datetime
    variables: "Variables"
    timezones: pd.Series  # IANA name of each row's customer
    stale_before: pd.Series  # datetime64[us, UTC]: a due_at before it is stale; NaT: never


class Variables(Protocol):
    """Columns of values behind dotted names."""

    def column(self, path: str) -> pd.Series:
        """Object Series, one value for each row; None where null or absent."""

    def configs(self) -> pd.Series:
        """The action node's config (dict) of each row; rows of one node share one object."""
