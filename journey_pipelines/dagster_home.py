"""Dagster's home and storage for one project: its configuration file, and the Postgres that its instance writes to.

Imports no Dagster, so that the command line can prepare a home before it starts Dagster's processes.
"""

from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg

from journey_pipelines.errors import SettingsError, StoreError
from journey_pipelines.settings import Settings
from journey_pipelines.store.embedded import ensure_running

CONFIGURATION: Final = "dagster.yaml"
SCHEMA: Final = "dagster"


def prepare_dagster_home(settings: Settings) -> Path:
    """Make the folder to set DAGSTER_HOME to, with the project's `dagster.yaml` in it.

    Raises SettingsError where the project has none.
    """
    source = settings.home / CONFIGURATION
    try:
        configuration = source.read_text()
    except OSError as error:
        message = (
            f"Dagster's configuration {source} cannot be read ({error.strerror}). "
            "Run inside the project, or set JOURNEYS_HOME to its folder."
        )
        raise SettingsError(message) from error
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    copy = home / CONFIGURATION
    if not copy.exists() or copy.read_text() != configuration:
        copy.write_text(configuration)
    return home


def dagster_environment(settings: Settings) -> dict[str, str]:
    """Environment variables that make every Dagster process work on this project's instance."""
    return {"DAGSTER_HOME": str(prepare_dagster_home(settings)), "JOURNEYS_HOME": str(settings.home)}


def dagster_storage_url(settings: Settings) -> str:
    """SQLAlchemy URL (psycopg 2) of Dagster's own storage; starts the embedded Postgres where that is the store.

    Beside an external journey store it is a schema of its own, `dagster`, which is made where it is absent. Raises
    StoreError where the database cannot be reached.
    """
    if settings.dagster_url is not None:
        return _for_psycopg2(settings.dagster_url)
    if settings.store_url is None:
        return _for_psycopg2(ensure_running(settings.home).dagster_url)
    _make_schema(settings.store_url)
    return _for_psycopg2(_with_schema(settings.store_url))


def _for_psycopg2(url: str) -> str:
    # a plain postgresql:// means psycopg 3 to SQLAlchemy 2.1, and dagster-postgres fails on that (dagster #33958)
    return url.replace("postgresql://", "postgresql+psycopg2://", 1)


def _make_schema(url: str) -> None:
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    except psycopg.Error as error:
        message = (
            f"Dagster's schema {SCHEMA!r} cannot be made in the database of JOURNEYS_STORE_URL: {str(error).strip()} "
            "Mend the access, or set JOURNEYS_DAGSTER_URL to another database."
        )
        raise StoreError(message) from error


def _with_schema(url: str) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query["options"] = f"{query.get('options', '')} -csearch_path={SCHEMA}".strip()
    return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))
