"""What became of one message at a provider. The one home of what an answer means.

`sent`: the provider has taken it over. `failed`: it never will. `retry`: it was provably not taken over, and may be
later. `unknown`: nobody can tell. Reasons name codes and fields, never an address or a key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Status = Literal["sent", "failed", "retry", "unknown", "again"]

CONFIGURATION: Final = frozenset({401, 403})
TRANSIENT: Final = frozenset({408, 425, 429, 503})
UNKNOWN: Final = frozenset({500, 502, 504})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message."""

    status: Status
    result: Mapping[str, Any] = field(default_factory=dict)
    after: float | None = None
    """Seconds that the provider asks to wait before the next try (Retry-After)."""
    is_misconfigured: bool = False
    """The fault is the installation's, not the message's: the same would happen to every other one."""
    dead_addresses: Mapping[str, str] = field(default_factory=dict)
    """Addresses that the provider will never reach again, each with the reason: they go on the suppression list."""
    part: int = 0
    """Of `again`: messages of one part go together in the next request."""


def sent(**result: Any) -> Outcome:
    """The provider has taken the message over; the result says by which id."""
    return Outcome("sent", result)


def failed(reason: str) -> Outcome:
    """The message will never be delivered."""
    return Outcome("failed", {"reason": reason})


def dead(reason: str, address: str) -> Outcome:
    """The message will never be delivered, and nothing else to this address either."""
    return Outcome("failed", {"reason": reason}, dead_addresses={address: reason})


def retry(reason: str, *, after: float | None = None) -> Outcome:
    """The message was not taken over; it may be later."""
    return Outcome("retry", {"reason": reason}, after=after)


def misconfigured(reason: str) -> Outcome:
    """The message was not taken over since the installation is configured wrongly; that is no attempt of its own."""
    return Outcome("retry", {"reason": reason, "counts": False}, is_misconfigured=True)


def held_back(reason: str, *, after: float | None = None) -> Outcome:
    """The message was not even tried; that is no attempt of its own."""
    return Outcome("retry", {"reason": reason, "counts": False}, after=after)


def unknown(reason: str) -> Outcome:
    """Nobody can tell whether the message was taken over."""
    return Outcome("unknown", {"reason": reason})


def again(part: int = 0) -> Outcome:
    """Not taken over because of another message of the same request; to be asked for at once, without that one."""
    return Outcome("again", part=part)


def of_http_status(provider: str, status: int, *, after: float | None = None, detail: str | None = None) -> Outcome:
    """What a refusal with this HTTP status means for a message, where its body says nothing more exact.

    >>> of_http_status("sendgrid", 504).status
    'unknown'
    """
    reason = f"{provider}_{status}" + (f": {detail}" if detail else "")
    if status in CONFIGURATION:
        return misconfigured(reason)
    if status in TRANSIENT:
        return retry(reason, after=after)
    if status in UNKNOWN or status > 504 or status < 400:
        return unknown(reason)
    return failed(reason)
