"""What providers of push messages have in common: a message goes to all devices of a customer, each asked for alone."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from journey_pipelines.delivery.providers.message import Message
from journey_pipelines.delivery.providers.outcomes import Outcome


def collapse_id(key: str) -> str:
    """What makes devices show a message once, however often it is sent: 32 characters made from its dispatch's key.

    APNs takes 64 bytes at most (apns-collapse-id), web push 32 characters of base64url (Topic, RFC 8030, 5.4).

    >>> collapse_id("6f9619ff-8b86-d011-b42d-000000000001:hello:1")
    'a0O5M2Z-8PcBaVckYKZ2A-plMMruLwu0'
    """
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()[:24]).decode()


def devices_of(message: Message) -> Sequence[str]:
    """The tokens of the message's devices."""
    tokens: Sequence[str] = message.payload["to"]
    return tokens


def batches_of_devices(messages: Sequence[Message], most: int) -> Iterator[Sequence[Message]]:
    """The messages in batches of so many devices at most; one message for more devices than that alone."""
    batch: list[Message] = []
    devices = 0
    for message in messages:
        count = len(devices_of(message))
        if batch and devices + count > most:
            yield batch
            batch, devices = [], 0
        batch.append(message)
        devices += count
    if batch:
        yield batch


def of_all_devices(batch: Sequence[Message], found: Sequence[Outcome]) -> Sequence[Outcome]:
    """What each message came to; `found` has one outcome for each device of each message, in order."""
    rest = iter(found)
    return [_of_devices([next(rest) for _ in devices_of(message)]) for message in batch]


def _of_devices(found: Sequence[Outcome]) -> Outcome:
    """Sent where a device took it, and unknown where one may have. The result counts devices and names none."""
    accepted = [outcome for outcome in found if outcome.status == "sent"]
    dead = {address: reason for outcome in found for address, reason in outcome.dead_addresses.items()}
    counts = {"devices": len(found), "accepted": len(accepted), **({"unregistered": len(dead)} if dead else {})}
    if accepted:
        return replace(accepted[0], result={**accepted[0].result, **counts}, dead_addresses=dead)
    chosen = min(found, key=_rank)
    waits = [outcome.after for outcome in found if outcome.after is not None]
    after = max(waits) if waits and chosen.status == "retry" else None
    return replace(chosen, result={**chosen.result, **counts}, after=after, dead_addresses=dead)


def _rank(outcome: Outcome) -> int:
    """Of several outcomes that are not `sent` the first counts: it leaves most open."""
    if outcome.status == "retry":
        return 2 if outcome.is_misconfigured else 1
    return {"unknown": 0, "failed": 3}[outcome.status]
