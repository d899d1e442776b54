"""What a receipt is, and who reads it from a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

Outcome = Literal["accepted", "delivered", "failed", "complained", "unsubscribed"]


@dataclass(frozen=True)
class Suppression:
    """An address that must not be written to any more, as its channel's list has it."""

    channel: str
    address: str = field(repr=False)
    purpose: Literal["all", "marketing"] = "all"


@dataclass(frozen=True)
class Receipt:
    """One thing that a provider tells of one message. Only `suppression` is personal."""

    provider: str
    event_id: str
    """The provider's, or made from what it tells: the same where it tells the same thing again."""
    dispatch_key: str | None
    """None: the message is none of ours."""
    outcome: Outcome
    at: datetime
    reason: str | None = None
    """A code or a word of ours, never a text of the provider's, which may name people."""
    suppression: Suppression | None = None


@dataclass(frozen=True)
class WebhookRequest:
    """A request as it came, before anything is believed of it."""

    headers: Mapping[str, str]
    """By names in small letters."""
    query: str
    """What stands behind `?`, as it came."""
    body: bytes = field(repr=False)
    received_at: datetime


class Receiver(Protocol):
    """Reads one provider's requests."""

    def read(self, request: WebhookRequest) -> Sequence[Receipt]:
        """What it tells. Events of no interest, and those that cannot be read, are left out.

        Raises WebhookSignatureError where the request is not the provider's, WebhookFormatError where nothing of it can
        be read.
        """
