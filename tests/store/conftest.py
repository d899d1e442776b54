"""The store under test: every implementation of the protocol runs the same suite."""

import pytest

from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.store.memory import MemoryStore
from tests.store.rows import CAMPAIGN_IDS, campaigns


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest) -> JourneyStore:
    """An empty store that knows two campaigns."""
    if request.param == "memory":
        return MemoryStore(known_campaigns=CAMPAIGN_IDS)
    stored: JourneyStore = request.getfixturevalue("postgres_store")
    with stored.transaction() as transaction:
        transaction.add_campaigns(campaigns())
    return stored
