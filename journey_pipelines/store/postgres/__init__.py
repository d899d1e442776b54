"""The journey store in Postgres 15 or newer: rows in and out by COPY, decisions about locks and conflicts in SQL."""

from journey_pipelines.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
