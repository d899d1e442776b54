"""A small storm; `make storm` is the big one."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storm.server import Server
from tests.storm.storms import Storms

SEED = 20170301


@pytest.fixture
def storms() -> Iterator[Storms]:
    """A few hundred customers, on a database of their own that may be killed."""
    folder = Path(tempfile.mkdtemp(prefix="jp-storm-"))
    folder.chmod(0o755)
    server = Server(folder)
    server.start()
    try:
        yield Storms(server, folder, customers=160, chunk_rows=80, draw=random.Random(SEED), say=print)
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.timeout(900)
def test_whatever_is_killed_or_started_twice_the_rows_and_messages_are_the_same(storms: Storms) -> None:
    storms.kill_clients(6)
    storms.kill_servers(2)
    storms.start_twice(2)
    storms.race(1)
