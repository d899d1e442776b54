"""The name of a message, made from its dispatch key alone: the same on every try and in every process."""

import hashlib
from typing import Any

import pandas as pd

DOMAIN = "journeys.invalid"


def message_id(key: str, domain: str | None = None) -> str:
    """The Message-ID (RFC 5322) of a dispatch, at the domain that it is sent from."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain or DOMAIN}>"


def receipt(file: str, key: str) -> dict[str, Any]:
    """The result of a dispatch that was written to a file, which is named relative to the outbox."""
    return {"message_id": message_id(key), "file": file}


def request_days(dispatches: pd.DataFrame) -> pd.Series:
    """The UTC day of each request as YYYY-MM-DD; index unchanged."""
    days: pd.Series = dispatches["requested_at"].dt.strftime("%Y-%m-%d")
    return days
