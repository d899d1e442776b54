"""Base of the parts of a transaction."""

from datetime import UTC, datetime

from journey_pipelines.store.postgres.catalogues import Catalogues
from journey_pipelines.store.postgres.holding import Holding
from journey_pipelines.store.postgres.session import Session


class Part:
    """A part of a StoreTransaction, over the session that all parts share and the rows that it holds."""

    def __init__(self, session: Session, catalogues: Catalogues) -> None:
        self.session = session
        self.catalogues = catalogues
        self.holding = Holding(session, catalogues)


def utc(instant: datetime) -> datetime:
    """The same instant in `datetime.UTC`, whatever class of time zone the driver chose."""
    return instant.astimezone(UTC)
