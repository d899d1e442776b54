"""Base of the parts of a transaction."""

from datetime import UTC, datetime

from journey_pipelines.store.postgres.session import Session


class Part:
    """A part of a StoreTransaction, over the session that all parts share."""

    def __init__(self, session: Session) -> None:
        self.session = session


def utc(instant: datetime) -> datetime:
    """The same instant in `datetime.UTC`, whatever class of time zone the driver chose."""
    return instant.astimezone(UTC)
