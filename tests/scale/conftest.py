"""Work that travels as pickles is done in the test's own process, which forgets what an earlier test's store knew."""

import pytest

from journey_pipelines import composition
from journey_pipelines.engine import built


@pytest.fixture(autouse=True)
def nothing_kept_from_an_earlier_test() -> None:
    """Forget stores and snapshots that a process keeps from one run to the next: the database was emptied since."""
    composition._store_of_process.cache_clear()
    built._built.cache_clear()
