"""Removal of a project's embedded Postgres: `python -m journey_pipelines.store.removal FOLDER`."""

import shutil
import sys
import time
from pathlib import Path
from typing import Final

from journey_pipelines.errors import JourneysError, StoreError
from journey_pipelines.store.locations import locate
from journey_pipelines.store.locks import exclusive, exclusive_if_free

STOPPING_LIMIT_SECONDS: Final = 10.0


def remove_embedded(root: Path) -> None:
    """Delete all files of the project's embedded Postgres, those outside the project included.

    Waits a little for a server that is just ending; raises StoreError where somebody uses it.
    """
    cluster = locate(root.resolve())
    with exclusive(cluster.lock("start")):
        if not _has_ended(cluster.lock("server")):
            message = f"The embedded Postgres of {root.resolve()} is in use. End the programs that use it first."
            raise StoreError(message)
        shutil.rmtree(cluster.socket_directory, ignore_errors=True)
        shutil.rmtree(cluster.base)


def _has_ended(server_lock: Path) -> bool:
    give_up_at = time.monotonic() + STOPPING_LIMIT_SECONDS
    while time.monotonic() < give_up_at:
        with exclusive_if_free(server_lock) as is_free:
            if is_free is not None:
                return True
        time.sleep(0.1)
    return False


if __name__ == "__main__":
    try:
        remove_embedded(Path(sys.argv[1]))
    except JourneysError as problem:
        sys.exit(str(problem))
