"""Code versions: an asset made by a query is as old as the query's text."""

import hashlib

from journey_pipelines.snapshots.queries import Query


def query_version(query: Query) -> str:
    """Changes with the query's statement."""
    return hashlib.sha256(query.sql.encode()).hexdigest()[:12]
