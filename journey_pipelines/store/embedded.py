"""A small supervisor of the Postgres that a project carries with it.

Four file locks beside the data say who is there, and the kernel releases them however a process ends:

- `users`: shared by every process that uses the server; its keeper waits to hold it alone, then stops the server, and
  whoever comes meanwhile waits. So the last user can end in any way, `kill -9` included.
- `start`: held while somebody looks whether a server is up and starts one; others wait for the outcome.
- `server`: inherited by the postmaster and all its backends. Where it is free, no process of this cluster lives,
  whatever `postmaster.pid` says; where it is held and nobody answers, the server recovers, starts or ends.
- `keeper`: held by the keeper. A server that lost its keeper gets a new one from the next user.

Authentication is the file system's: the server has no network address, everybody who reaches the socket is trusted,
and the socket's directory is open to the server's account and root alone.
"""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from journey_pipelines.errors import StoreError
from journey_pipelines.store import keeper
from journey_pipelines.store.locations import PORT, Cluster, locate, programs, server_environment
from journey_pipelines.store.locks import exclusive, exclusive_if_free, open_lock, open_private, shared
from journey_pipelines.store.server_files import SERVER_SETTINGS, USER, initialise

STORE_DATABASE: Final = "journeys"
DAGSTER_DATABASE: Final = "dagster"
READY_LIMIT_SECONDS: Final = 1800.0  # crash recovery replays up to gigabytes of log
STARTS_BEFORE_GIVING_UP: Final = 2  # somebody may kill a server that is just starting
LARGEST_LOG_BYTES: Final = 10_000_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A running server: the directory of its socket and the URLs of its two databases."""

    socket_directory: Path

    @property
    def url(self) -> str:
        """The journey store's database, for psycopg and SQLAlchemy alike."""
        return self.database_url(STORE_DATABASE)

    @property
    def dagster_url(self) -> str:
        """The database of Dagster's own storage."""
        return self.database_url(DAGSTER_DATABASE)

    def database_url(self, database: str) -> str:
        """URL of one database; the port is given so that PGPORT changes nothing."""
        return f"postgresql://{USER}@/{database}?host={quote(str(self.socket_directory))}&port={PORT}"


_kept: dict[Path, ExitStack] = {}
_kept_guard = threading.Lock()


@contextmanager
def embedded_postgres(root: Path) -> Iterator[EmbeddedPostgres]:
    """Use the project's server while the block lasts; starts it where it does not run.

    `root` is the project's folder; its `.journeys` holds the data. Raises StoreError when the server cannot start.

        with embedded_postgres(Path(".")) as server:
            psycopg.connect(server.url)
    """
    with ExitStack() as stack:
        yield _join(root.resolve(), stack)


def ensure_running(root: Path) -> EmbeddedPostgres:
    """Use the project's server until this process ends; starts it where it does not run, again after it was killed."""
    root = root.resolve()
    with _kept_guard, ExitStack() as stack:
        server = _join(root, stack)
        previous = _kept.get(root)
        _kept[root] = stack.pop_all()
        if previous is not None:
            previous.close()
        return server


def release(root: Path) -> None:
    """Undo `ensure_running` before this process ends; tests that delete their project need it."""
    with _kept_guard:
        kept = _kept.pop(root.resolve(), None)
        if kept is not None:
            kept.close()


def _join(root: Path, stack: ExitStack) -> EmbeddedPostgres:
    cluster = locate(root)
    try:
        stack.enter_context(shared(cluster.lock("users")))
        with exclusive(cluster.lock("start")):
            return _ensure(cluster)
    except OSError as error:
        message = (
            f"The embedded Postgres in {cluster.base} cannot be used: {error}. "
            "Mend that (space, permissions), or set JOURNEYS_STORE_URL to a Postgres of yours."
        )
        raise StoreError(message) from error


def _ensure(cluster: Cluster) -> EmbeddedPostgres:
    """Return when a connection answers. Held: a share of `users`, and `start` alone."""
    server = EmbeddedPostgres(cluster.socket_directory)
    give_up_at = time.monotonic() + READY_LIMIT_SECONDS
    log_start = starts = 0
    while not _answers(server):
        with exclusive_if_free(cluster.lock("server")) as is_free:
            if is_free is not None and starts == STARTS_BEFORE_GIVING_UP:
                raise StoreError(_why_dead(cluster, log_start))
            if is_free is not None:
                log_start = _start(cluster)
                starts += 1
        if time.monotonic() > give_up_at:
            message = (
                f"The embedded Postgres runs but answers no connection after {READY_LIMIT_SECONDS:.0f} seconds. "
                f"See what it says in {cluster.log}, and try again."
            )
            raise StoreError(message)
        time.sleep(0.05)
    if starts == 0:
        _adopt(cluster)
    return server


def _answers(server: EmbeddedPostgres) -> bool:
    """Whether a connection is accepted; makes the databases that are not there yet."""
    try:
        connection = psycopg.connect(server.database_url("postgres"), autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        _log.debug("embedded Postgres does not answer yet: %s", error)
        return False
    with connection:
        existing = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        for name in (STORE_DATABASE, DAGSTER_DATABASE):
            if name not in existing:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        if DAGSTER_DATABASE not in existing:
            # an event log that loses its last instant in a power cut is as good, and much faster
            connection.execute(f"ALTER DATABASE {DAGSTER_DATABASE} SET synchronous_commit = off")
    return True


def _start(cluster: Cluster) -> int:
    """Start the server under a keeper of its own; gives where its log begins. Held: `server`, so nobody else lives."""
    binaries = programs(cluster)
    initialise(cluster, binaries)
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)  # stale, whoever has its process id by now
    settings = {**SERVER_SETTINGS, "unix_socket_directories": str(cluster.socket_directory)}
    command = [str(binaries / "postgres"), "-D", str(cluster.data)]
    command += [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
    if cluster.log.exists() and cluster.log.stat().st_size > LARGEST_LOG_BYTES:
        cluster.log.replace(cluster.log.with_suffix(".log.1"))
    log_start = cluster.log.stat().st_size if cluster.log.exists() else 0
    with _fresh_lock(cluster, "server") as server_lock, _fresh_lock(cluster, "keeper") as keeper_lock:
        _keep(cluster, keeper_lock, {"command": command, "server_lock": server_lock})
    return log_start


def _adopt(cluster: Cluster) -> None:
    """Give a running server whose keeper was killed a new one."""
    with exclusive_if_free(cluster.lock("keeper")) as keeper_lock:
        if keeper_lock is None:
            return
        postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
        _keep(cluster, keeper_lock, {"adopt": postmaster})


@contextmanager
def _fresh_lock(cluster: Cluster, name: str) -> Iterator[int]:
    """Replace a lock file by a new one, held: the keeper of an earlier server waits for the old one, and ends."""
    path = cluster.lock(name)
    path.unlink(missing_ok=True)
    with exclusive_if_free(path) as descriptor:
        assert descriptor is not None, "a new file that only the holder of `start` makes"
        yield descriptor


def _keep(cluster: Cluster, keeper_lock: int, order: dict[str, object]) -> None:
    account = cluster.account
    users_lock, server_watch = open_lock(cluster.lock("users")), open_lock(cluster.lock("server"))
    descriptors = {"users_lock": users_lock, "server_watch": server_watch, "server_lock": order.get("server_lock")}
    identity = {"uid": account and account.uid, "gid": account and account.gid}
    text = json.dumps({"adopt": None, "environment": server_environment(), **order, **descriptors, **identity})
    try:
        with os.fdopen(open_private(cluster.log, os.O_WRONLY | os.O_APPEND), "ab") as log:
            subprocess.run(  # noqa: S603 - our own script
                [sys.executable, "-I", "-S", keeper.__file__, text],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # the terminal's Ctrl-C is not meant for the server
                pass_fds=[
                    keeper_lock,
                    *(descriptor for descriptor in descriptors.values() if isinstance(descriptor, int)),
                ],
                check=False,
            )
    finally:
        os.close(users_lock)
        os.close(server_watch)


def _why_dead(cluster: Cluster, log_start: int) -> str:
    with cluster.log.open("rb") as log:
        log.seek(log_start)
        lines = log.read().decode(errors="replace").strip().splitlines()
    telling = [line for line in lines if "the database system is starting up" not in line]
    said = "\n  ".join(telling[-15:]) or "nothing"
    return f"The embedded Postgres ended before it answered. Its log {cluster.log} says:\n  {said}"
