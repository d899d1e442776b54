"""Connections that are kept, under the vendors' own libraries, and what their failures mean."""

from email.utils import parsedate_to_datetime
from typing import Any

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from journey_pipelines.delivery.providers import outcomes
from journey_pipelines.delivery.providers.outcomes import Outcome


def http_pool(*, connections: int, timeout: float) -> urllib3.PoolManager:
    """A pool that sends every request once: no retry, no redirect. It trusts what Python trusts (SSL_CERT_FILE)."""
    limits = urllib3.Timeout(connect=min(timeout, 10.0), read=timeout)
    return urllib3.PoolManager(maxsize=connections, block=True, timeout=limits, retries=False)


def of_transport_error(provider: str, error: HTTPError) -> Outcome:
    """What it means that a request ended without an answer.

    >>> of_transport_error("sendgrid", urllib3.exceptions.ReadTimeoutError(None, "/", "slow")).status
    'unknown'
    """
    name = type(error).__name__
    if isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return outcomes.misconfigured(f"{provider}_certificate_not_trusted")
    if isinstance(error, NewConnectionError | NameResolutionError | ConnectTimeoutError | ProxyError):
        return outcomes.retry(f"{provider}_unreachable: {name}")
    return outcomes.unknown(f"{provider}_no_answer: {name}")


def seconds_to_wait(retry_after: Any, *, date: Any = None) -> float | None:
    """Retry-After (RFC 9110, 10.2.3) in seconds: a number, or a date, which counts from the answer's own `Date`.

    >>> seconds_to_wait("120")
    120.0
    >>> seconds_to_wait("Wed, 21 Oct 2015 07:28:00 GMT", date="Wed, 21 Oct 2015 07:27:30 GMT")
    30.0
    >>> seconds_to_wait("soon") is None
    True
    """
    try:
        seconds = float(retry_after)
    except (TypeError, ValueError):
        try:
            seconds = (parsedate_to_datetime(str(retry_after)) - parsedate_to_datetime(str(date))).total_seconds()
        except (TypeError, ValueError):
            return None
    return max(seconds, 0.0) if seconds < float("inf") else None
