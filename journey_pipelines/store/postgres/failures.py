"""What the database says, as a StoreError that names the thing and the next step."""

import re
from typing import Final

import psycopg

from journey_pipelines.engine.redaction import redacted
from journey_pipelines.errors import StoreConflictError, StoreError, StoreUnavailableError
from journey_pipelines.store.postgres.address import Address

LONGEST_DETAIL: Final = 500
SHOWN_AS: Final = {"outbox": "dispatches"}  # what people read where they would look for the table
BY_DATE: Final = re.compile(r"_\d{8}\b")  # the end of a partition's name


def store_error(error: psycopg.Error, address: Address) -> StoreError:
    """The same failure in our words; the caller raises it from the original."""
    diagnosis = error.diag
    told = diagnosis.message_primary or " ".join(str(error).split()) or type(error).__name__
    detail = f" ({diagnosis.message_detail[:LONGEST_DETAIL]})" if diagnosis.message_detail else ""
    reason = redacted(address.without_password(told + detail))
    if _misses_partition(error):
        return StoreConflictError(
            f"a retention of the journey store ({address.label}) dropped a partition in between: {reason}; nothing of "
            "this transaction is kept, run again"
        )
    if isinstance(error, psycopg.errors.IntegrityError):
        table = diagnosis.table_name or "a table"
        shown = SHOWN_AS.get(table, table)
        return StoreError(f"the journey store refused rows of {shown}: {reason}; nothing of this transaction is kept")
    if isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
        return StoreConflictError(
            f"another transaction of the journey store ({address.label}) wanted the same rows: {reason}; nothing of "
            "this transaction is kept, run again"
        )
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return StoreConflictError(
            f"another transaction of the journey store ({address.label}) held a row for too long: {reason}; nothing of "
            "this transaction is kept, run again when it is over"
        )
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return StoreUnavailableError(
            f"the journey store ({address.label}) broke off: {reason}; what was committed stays, "
            "run again once the database answers"
        )
    return StoreError(f"the journey store ({address.label}) failed: {reason}; nothing of this transaction is kept")


def _misses_partition(error: psycopg.Error) -> bool:
    """Whether a partition is gone that was there a moment ago, for a row or for a statement that names it."""
    if isinstance(error, psycopg.errors.CheckViolation):
        return error.diag.constraint_name is None
    return isinstance(error, psycopg.errors.UndefinedTable) and bool(BY_DATE.search(error.diag.message_primary or ""))
