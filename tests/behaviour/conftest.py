"""Both stores, for the sentences that are about what is kept between two runs."""

from tests.store.conftest import store

__all__ = ["store"]
