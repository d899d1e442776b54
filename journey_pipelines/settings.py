"""What one installation is set to: where the project lies and what it is connected to, from environment variables.

Nothing is read at import: whoever composes the program passes the environment in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from journey_pipelines.engine.retention import LEAST_DAYS
from journey_pipelines.errors import SettingsError

STATE: Final = ".journeys"
SAMPLE_WAREHOUSE: Final = "warehouse.duckdb"
RETENTION_DAYS: Final = 400
LEAST_SECRET: Final = 16
POSTGRES_SCHEMES: Final = frozenset(
    {"postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2", "postgresql+psycopg_async"}
)


@dataclass(frozen=True)
class Settings:
    """Settings of one installation; all paths are absolute."""

    home: Path
    """The project: `journeys/`, `workspace.yaml`, and `.journeys/`, where everything that we write goes."""
    store_url: str | None
    """`postgresql://...` of the journey store; None: the embedded Postgres."""
    dagster_url: str | None
    """`postgresql://...` of Dagster's own storage; None: beside the journey store."""
    warehouse_url: str
    """SQLAlchemy URL of the warehouse."""
    templates: Path | None
    """Folder of the templates; None: the samples."""
    outbox: Path
    """Where messages are written while no provider is configured."""
    snapshots: Path
    """Folder of the Parquet partitions."""
    policy: Path | None
    """File with the rules of sending (caps, quiet hours), where there is one."""
    workers: int | None = None
    """How many local processes move executions; None: this one alone."""
    dask_scheduler: str | None = None
    """Address of the Dask scheduler whose workers move executions."""
    retention_days: int = RETENTION_DAYS
    """For how many days ended executions and other history are kept."""
    public_url: str | None = None
    """Where providers and customers reach `journeys webhooks`."""
    unsubscribe_secret: str | None = field(default=None, repr=False)
    """What unsubscribe links are signed with."""

    @property
    def state(self) -> Path:
        """The folder of everything that the project writes."""
        return self.home / STATE

    @property
    def journeys(self) -> Path:
        """The folder of the journey documents."""
        return self.home / "journeys"

    @property
    def models(self) -> Path:
        """The folder of trained models."""
        return self.state / "models"

    @property
    def sample_warehouse(self) -> Path | None:
        """The DuckDB file of the sample warehouse; None where another warehouse is set."""
        file = self.state / SAMPLE_WAREHOUSE
        return file if self.warehouse_url == _duckdb_url(file) else None

    @property
    def dagster_home(self) -> Path:
        """Dagster's DAGSTER_HOME."""
        return self.state / "dagster"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, working_directory: Path) -> Self:
        """Read the settings; an empty variable counts as absent, a relative path starts at the project's home.

        Raises SettingsError, which names the variable, for a value that cannot be right.

        >>> Settings.from_environment({"JOURNEYS_HOME": "/"}, working_directory=Path("/")).warehouse_url
        'duckdb:////.journeys/warehouse.duckdb'
        """
        given = {name: value.strip() for name, value in environment.items() if value.strip()}
        home = _home(given, working_directory)
        policy = _file(given, "JOURNEYS_POLICY", home)
        own_templates = home / "journeys" / "templates"
        templates = _folder(given, "JOURNEYS_TEMPLATES", home)
        workers, scheduler = workers_of(given)
        return cls(
            home=home,
            store_url=_postgres_url(given, "JOURNEYS_STORE_URL"),
            dagster_url=_postgres_url(given, "JOURNEYS_DAGSTER_URL"),
            warehouse_url=_warehouse_url(given, home),
            templates=templates or (own_templates if own_templates.is_dir() else None),
            outbox=_path(given, "JOURNEYS_OUTBOX", home, home / STATE / "outbox"),
            snapshots=_path(given, "JOURNEYS_SNAPSHOTS", home, home / STATE / "snapshots"),
            policy=policy,
            workers=workers,
            dask_scheduler=scheduler,
            retention_days=_retention_days(given),
            **_links(given),
            **cls._more(given),
        )

    @classmethod
    def _more(cls, given: Mapping[str, str]) -> dict[str, Any]:  # noqa: ARG003 - of settings that have more
        """What a kind of settings has beyond these."""
        return {}


def _home(given: Mapping[str, str], working_directory: Path) -> Path:
    start = working_directory.resolve()
    value = given.get("JOURNEYS_HOME")
    if value is not None:
        home = (start / Path(value).expanduser()).resolve()
        if not home.is_dir():
            message = f"JOURNEYS_HOME is {value!r}, which is no folder. Set it to the folder of your project."
            raise SettingsError(message)
        return home
    parents = (start, *start.parents)
    is_project = ((folder / "workspace.yaml").is_file() or (folder / "journeys").is_dir() for folder in parents)
    return next((folder for folder, is_one in zip(parents, is_project, strict=True) if is_one), start)


def _path(given: Mapping[str, str], name: str, home: Path, default: Path) -> Path:
    """A folder that we make where it is absent."""
    value = given.get(name)
    if value is None:
        return default
    path = (home / Path(value).expanduser()).resolve()
    if path.exists() and not path.is_dir():
        message = (
            f"{name} is {value!r}, which is a file, not a folder. Set it to a folder, or leave it out for {default}."
        )
        raise SettingsError(message)
    return path


def _folder(given: Mapping[str, str], name: str, home: Path) -> Path | None:
    value = given.get(name)
    if value is None:
        return None
    path = (home / Path(value).expanduser()).resolve()
    if not path.is_dir():
        message = f"{name} is {value!r}, but there is no folder {path}. Make it, or leave the variable out."
        raise SettingsError(message)
    return path


def _file(given: Mapping[str, str], name: str, home: Path) -> Path | None:
    value = given.get(name)
    if value is None:
        return None
    path = (home / Path(value).expanduser()).resolve()
    if not path.is_file():
        message = f"{name} is {value!r}, but there is no file {path}. Write it, or leave the variable out."
        raise SettingsError(message)
    return path


def workers_of(given: Mapping[str, str]) -> tuple[int | None, str | None]:
    """JOURNEYS_WORKERS and JOURNEYS_DASK_SCHEDULER. Raises SettingsError where one is wrong or both are set."""
    workers, scheduler = given.get("JOURNEYS_WORKERS"), given.get("JOURNEYS_DASK_SCHEDULER")
    if workers is not None and scheduler is not None:
        raise SettingsError("JOURNEYS_WORKERS and JOURNEYS_DASK_SCHEDULER are both set; leave one of them out.")
    if workers is not None and not (workers.isascii() and workers.isdigit() and int(workers) > 0):
        raise SettingsError(
            f"JOURNEYS_WORKERS is {workers!r}; expected how many local processes move executions, from 1, such as 4."
        )
    if scheduler is not None and not all(scheduler.partition("://")):
        raise SettingsError(
            f"JOURNEYS_DASK_SCHEDULER is {scheduler!r}; expected the address of a Dask scheduler, such as "
            "tcp://scheduler:8786."
        )
    return None if workers is None else int(workers), scheduler


def _retention_days(given: Mapping[str, str]) -> int:
    value = given.get("JOURNEYS_RETENTION_DAYS")
    if value is None:
        return RETENTION_DAYS
    if not (value.isascii() and value.isdigit() and int(value) >= LEAST_DAYS):
        raise SettingsError(
            f"JOURNEYS_RETENTION_DAYS is {value!r}; expected for how many days history is kept, from {LEAST_DAYS}, "
            f"over which frequency caps look back; leave it out for {RETENTION_DAYS}."
        )
    return int(value)


def _links(given: Mapping[str, str]) -> dict[str, str | None]:
    """The public URL and the secret of unsubscribe links; a message never repeats the secret."""
    url, secret = given.get("JOURNEYS_PUBLIC_URL"), given.get("JOURNEYS_UNSUBSCRIBE_SECRET")
    if url is not None and (not url.startswith(("https://", "http://")) or not _is_readable(url)):
        raise SettingsError(
            f"JOURNEYS_PUBLIC_URL is {url!r}; expected where `journeys webhooks` is reached from outside, such as "
            "https://journeys.example.com."
        )
    if secret is not None and len(secret) < LEAST_SECRET:
        raise SettingsError(
            f"JOURNEYS_UNSUBSCRIBE_SECRET has {len(secret)} characters; expected at least {LEAST_SECRET} that nobody "
            "can guess."
        )
    if secret is not None and url is None:
        raise SettingsError(
            "JOURNEYS_UNSUBSCRIBE_SECRET is set and JOURNEYS_PUBLIC_URL is not; links need both, so set it too."
        )
    return {"public_url": url, "unsubscribe_secret": secret}


def _postgres_url(given: Mapping[str, str], name: str) -> str | None:
    """The URL with the plain scheme, as libpq takes it. A message never repeats the URL: it may hold a password."""
    value = given.get(name)
    if value is None:
        return None
    scheme, separator, rest = value.partition("://")
    if not separator or scheme not in POSTGRES_SCHEMES or not _is_readable(value):
        found = f"begins with {scheme + separator!r}" if separator else "is no URL"
        message = (
            f"{name} {found}; expected postgresql://user:password@host:port/database of a Postgres 15 or newer. "
            "Correct it, or leave it out for the embedded Postgres."
        )
        raise SettingsError(message)
    return f"postgresql://{rest}"


def _is_readable(url: str) -> bool:
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True


def _warehouse_url(given: Mapping[str, str], home: Path) -> str:
    value = given.get("JOURNEYS_WAREHOUSE_URL")
    if value is None:
        return _duckdb_url(home / STATE / SAMPLE_WAREHOUSE)
    scheme, separator, _ = value.partition("://")
    if not separator or not scheme.replace("+", "").replace("_", "").isalnum():
        message = (
            "JOURNEYS_WAREHOUSE_URL is no SQLAlchemy URL (dialect://...). Correct it, "
            f"or leave it out for the sample warehouse in {STATE}/{SAMPLE_WAREHOUSE}."
        )
        raise SettingsError(message)
    return value


def _duckdb_url(file: Path) -> str:
    return f"duckdb:///{file}"
