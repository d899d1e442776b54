"""The database files of the embedded Postgres, and the settings that its server is started with."""

import shutil
from pathlib import Path
from typing import Final

from journey_pipelines.errors import StoreError
from journey_pipelines.store.locations import MAJOR_VERSION, PORT, Cluster, give, run_as

USER: Final = "journeys"

SERVER_SETTINGS: Final = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",  # Dagster's UI, daemon, code server and each run hold pools of their own
    "shared_buffers": "512MB",  # the indexes of the ledger of a million entries; with 128 MB a run grew by an eighth
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_parallel_workers_per_gather": "0",  # parallel plans need more of /dev/shm than a container may have
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def initialise(cluster: Cluster, binaries: Path) -> None:
    """Make the database files on first use: complete under another name first, so that a crash leaves no half."""
    if cluster.data.exists():
        _refuse_other_version(cluster)
        return
    partial = cluster.base / "data.new"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    give(partial, cluster.account)
    command = [str(binaries / "initdb"), "-D", str(partial), "-U", USER, "--auth=trust", "--encoding=UTF8"]
    # order of text by code point, as in Python, and the same on every system
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    result = run_as(cluster.account, command)
    if result.returncode != 0:
        message = (
            f"The embedded Postgres cannot make its files in {cluster.base}: {result.stderr.strip()} "
            "Mend that, or set JOURNEYS_STORE_URL to a Postgres of yours."
        )
        raise StoreError(message)
    partial.rename(cluster.data)


def _refuse_other_version(cluster: Cluster) -> None:
    version = (cluster.data / "PG_VERSION").read_text().strip()
    if version != MAJOR_VERSION:
        message = (
            f"The files in {cluster.data} are of Postgres {version}; the embedded one is {MAJOR_VERSION}. "
            "Delete .journeys to start anew, or serve them with Postgres of their version and set JOURNEYS_STORE_URL."
        )
        raise StoreError(message)
