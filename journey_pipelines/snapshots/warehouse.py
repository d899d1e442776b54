"""The warehouse, read through the named queries of `sql/warehouse/`; nothing is ever written to it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa

from journey_pipelines.engine.frames import BOOL, EVENTS, TEXT, conform
from journey_pipelines.errors import WarehouseError
from journey_pipelines.snapshots.checks import check_customers
from journey_pipelines.snapshots.contracts import CAMPAIGNS, EVENT_COLUMNS, json_objects, profiles_from, typed
from journey_pipelines.snapshots.queries import Query, read_query
from journey_pipelines.snapshots.tables import ColumnTypeError, frame_of, stack_tables, table_of

ROWS_AT_ONCE: Final = 50_000
NEVER: Final = datetime(1900, 1, 1, tzinfo=UTC)
ALWAYS: Final = datetime(9999, 1, 1, tzinfo=UTC)

PREDICTIONS: Final = frozenset({"churn_risk"})


def packaged_queries() -> Path:
    """The folder of the sample's queries, `sql/warehouse/`."""
    return Path(str(files("sql"))) / "warehouse"


class Warehouse:
    """Any database that SQLAlchemy reaches, with a folder of queries: `segments/*.sql` and four files by name.

    Connections are opened for one query and closed again, so that a DuckDB file stays free for others.
    """

    def __init__(self, url: str, sql_dir: Path | None = None) -> None:
        self.sql_dir = packaged_queries() if sql_dir is None else sql_dir
        try:
            self._url = sa.make_url(url)
            self._engine = sa.create_engine(
                self._url, poolclass=sa.pool.NullPool, connect_args=_connect_args(self._url)
            )
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError) as error:
            raise WarehouseError(
                f"JOURNEYS_WAREHOUSE_URL is no usable SQLAlchemy URL ({error}); "
                "expected something like duckdb:///path/to/file.duckdb, with its driver installed."
            ) from error

    @property
    def name(self) -> str:
        """The URL without its password, for messages and metadata."""
        return self._url.render_as_string(hide_password=True)

    @property
    def dialect(self) -> str:
        """The kind of database, as SQLAlchemy names it: `duckdb`, `postgresql`, ..."""
        return self._url.get_backend_name()

    def segments(self) -> list[str]:
        """Names of all segments: the files of `segments/`, sorted."""
        return sorted(path.stem for path in (self.sql_dir / "segments").glob("*.sql"))

    def query(self, name: str) -> Query:
        """One of the named queries: `features`, `profiles`, `events`, `campaigns` or `segments/<name>`."""
        return read_query(self.sql_dir / f"{name}.sql")

    def segment(self, name: str, as_of: datetime) -> pd.DataFrame:
        """Members at `as_of`, one row each: customer_id. Raises WarehouseError for an unknown segment."""
        if name not in self.segments():
            known = ", ".join(self.segments()) or "none"
            raise WarehouseError(f"Unknown segment {name!r} (known: {known}); add {self.sql_dir}/segments/{name}.sql.")
        frame = self._read(f"segments/{name}", as_of=as_of)
        check_customers(frame, f"Segment query {name}", WarehouseError, is_unique=True)
        if len(frame.columns) > 1:
            raise WarehouseError(
                f"Segment query {name} gives the columns {', '.join(frame.columns)}; expected customer_id alone."
            )
        return _sorted(frame.astype({"customer_id": TEXT}))

    def features(self, as_of: datetime) -> pd.DataFrame:
        """The features known at `as_of`: customer_id and one column each.

        A customer who appears twice is left in for the run's guard to find. Raises WarehouseError for anything else
        that is not a feature snapshot.
        """
        frame = self._read("features", as_of=as_of)
        check_customers(frame, "Feature query features", WarehouseError, is_unique=False)
        return _sorted(frame.astype({"customer_id": TEXT}))

    def feature_names(self) -> frozenset[str]:
        """What journeys can read: the feature query's columns, customer_id apart, and the predictions that join them.

        Read from the query's answer for a time before all data.
        """
        return (frozenset(self._read("features", as_of=NEVER).columns) | PREDICTIONS) - {"customer_id"}

    def profiles(self, as_of: datetime) -> pd.DataFrame:
        """Who the customers are at `as_of`, one row for each customer_id; addresses are text."""
        name = "Profile query profiles"
        frame = self._read("profiles", as_of=as_of)
        check_customers(frame, name, WarehouseError, is_unique=True)
        return _sorted(profiles_from(frame, name))

    def events(self, since: datetime, as_of: datetime) -> pd.DataFrame:
        """EVENTS received after `since` and by `as_of`, in order of receipt, none of them used."""
        name = "Event query events"
        frame = self._read("events", since=since, as_of=as_of)
        check_customers(frame, name, WarehouseError, is_unique=False)
        frame = typed(frame, EVENT_COLUMNS, name, has_nulls=False)
        if frame["event_id"].duplicated().any():
            twice = frame.loc[frame["event_id"].duplicated(), "event_id"].iloc[0]
            raise WarehouseError(f"{name} has the event_id {twice!r} more than once; make the ids unique and stable.")
        frame = frame.assign(data=json_objects(frame["data"], name), is_used=False).astype({"is_used": BOOL})
        return conform(frame.sort_values(["received_at", "event_id"], kind="stable"), EVENTS)

    def campaigns(self, as_of: datetime = ALWAYS) -> pd.DataFrame:
        """Campaigns that an action may trigger, planned by `as_of` (or ever): campaign_id, name, channel."""
        name = "Campaign query campaigns"
        frame = typed(self._read("campaigns", as_of=as_of), CAMPAIGNS, name, has_nulls=False)[list(CAMPAIGNS)]
        if frame["campaign_id"].duplicated().any():
            raise WarehouseError(f"{name} has a campaign_id more than once; make the query give one row for each.")
        return frame

    def check(self) -> None:
        """Raise WarehouseError unless the warehouse answers."""
        self._execute(sa.text("select 1"), {}, "a test query")

    def _read(self, name: str, **instants: datetime) -> pd.DataFrame:
        query = self.query(name)
        parameters = {key: _utc(instant) for key, instant in instants.items()}
        try:
            return frame_of(self._execute(sa.text(query.sql), parameters, f"the query {name}"))
        except ColumnTypeError as error:
            raise WarehouseError(f"Query {name}: {error}. Cast or leave out that column in {name}.sql.") from error

    def _is_missing_file(self) -> bool:
        path = self._url.database or ""
        return self._url.get_backend_name() == "duckdb" and not path.startswith("md:") and not Path(path).is_file()

    def _execute(self, statement: Any, parameters: Mapping[str, Any], name: str) -> Any:
        if self._is_missing_file():
            raise WarehouseError(
                f"The warehouse file {self._url.database} does not exist; build the sample with `make run`, "
                "or point JOURNEYS_WAREHOUSE_URL at your warehouse."
            )
        try:
            with self._engine.connect() as connection:
                result = connection.execution_options(stream_results=True).execute(statement, parameters)
                names = list(result.keys())
                parts = [table_of(names, rows) for rows in result.partitions(ROWS_AT_ONCE)]
                return stack_tables(parts) if parts else table_of(names, [])
        except sa.exc.SQLAlchemyError as error:
            cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise WarehouseError(
                f"The warehouse {self.name} did not answer {name}: {cause}. "
                "Check that it is running and that JOURNEYS_WAREHOUSE_URL and the query are right."
            ) from error


def _utc(instant: datetime) -> datetime:
    """Naive UTC, because that is what a plain timestamp column means everywhere."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone")
    return instant.astimezone(UTC).replace(tzinfo=None)


def _connect_args(url: sa.URL) -> dict[str, Any]:
    if url.get_backend_name() == "duckdb":
        return {"read_only": True}
    if url.get_backend_name() == "postgresql" and "options" not in url.query:
        return {"options": "-c timezone=UTC -c default_transaction_read_only=on"}
    return {}


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values("customer_id", kind="stable", ignore_index=True)
