"""Brings a schema of a Postgres database to today's shape: `migrate(url, schema)`."""

from journey_pipelines.store.postgres.migration import migrate

__all__ = ["migrate"]
