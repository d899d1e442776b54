"""Push messages to Apple's devices through APNs, by aioapns over HTTP/2.

Sources: https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns and
https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns. A request is one
message to one device; many are under way at once over one connection.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from aioapns.common import NotificationRequest, PushType
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, model_validator

from journey_pipelines.delivery.providers import outcomes
from journey_pipelines.delivery.providers.apns_connection import Answer, ApnsConnections
from journey_pipelines.delivery.providers.message import Message
from journey_pipelines.delivery.providers.outcomes import Outcome
from journey_pipelines.delivery.providers.provider import ProviderConfig
from journey_pipelines.delivery.providers.push import batches_of_devices, collapse_id, devices_of, of_all_devices
from journey_pipelines.delivery.providers.quiet_logs import hush_all

PRODUCTION: Final = "https://api.push.apple.com"
SANDBOX: Final = "https://api.sandbox.push.apple.com"
MOST_BYTES: Final = 4096
HIGH_PRIORITY: Final = 10
TOKEN: Final = re.compile(r"[0-9a-fA-F]{8,200}")
REASON: Final = re.compile(r"[A-Za-z]{1,60}")
GONE: Final = frozenset({"Unregistered", "ExpiredToken", "BadDeviceToken"})
CONFIGURATION: Final = frozenset({"BadTopic", "MissingTopic", "TopicDisallowed", "DeviceTokenNotForTopic"})
IDS: Final = UUID("0b1f6c1e-6a0b-5f0a-8b53-3f7a1b7e9a44")  # the namespace of the messages' ids


class ApnsConfig(ProviderConfig):
    """Apple Push Notification service."""

    key_file: Path | None = Field(default=None, description="File with the signing key (.p8)")
    key: str | None = Field(default=None, repr=False, description="The same key as text")
    key_id: str = Field(pattern=r"^[A-Z0-9]{10}$", description="Id of the signing key, 10 characters")
    team_id: str = Field(pattern=r"^[A-Z0-9]{10}$", description="Id of the team, 10 characters")
    topic: str = Field(pattern=r"^[\w.-]+$", description="Bundle id of the app")
    sandbox: bool = Field(default=False, description="Send to development builds of the app")
    url: str | None = Field(default=None, pattern=r"^https://", description="Base URL of the API, where it is another")
    rate: float = Field(default=1_000, gt=0, description="Recipients a second, over all connections together")
    connections: int = Field(default=2, ge=1, le=64, description="Connections, and batches under way at once, at most")
    batch: int = Field(default=200, ge=1, le=1_000, description="Devices of one batch, all asked for at once")

    @model_validator(mode="after")
    def _has_one_key(self) -> Self:
        if (self.key is None) == (self.key_file is None):
            raise ValueError("exactly one of key and key_file is needed")
        self.signing_key()
        return self

    def signing_key(self) -> str:
        """The key as PEM. Raises ValueError, which shows nothing of it, where it is none."""
        try:
            text = self.key if self.key_file is None else self.key_file.read_text(encoding="utf-8")
            # an environment variable may hold it in one line
            pem = str(text).replace("\\n", "\n")
            key = load_pem_private_key(pem.encode(), password=None)
        except OSError as error:
            raise ValueError(f"key_file cannot be read ({error.strerror})") from None
        except (ValueError, TypeError):
            raise ValueError("the key is not a signing key of Apple's (.p8)") from None
        if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
            raise ValueError("the key is not a signing key of Apple's (.p8): it is of another kind")
        return pem


class Apns:
    """Satisfies `Provider`."""

    name: ClassVar[str] = "apns"
    listed_after: ClassVar[float] = 0.0

    def __init__(self, config: ApnsConfig) -> None:
        self._config = config
        address = urlsplit(config.url or (SANDBOX if config.sandbox else PRODUCTION))
        self._connections = ApnsConnections(
            host=address.hostname or "",
            port=address.port or 443,
            signed_by=(config.signing_key(), config.key_id, config.team_id),
            topic=config.topic,
            connections=config.connections,
            timeout=config.timeout,
        )
        # at DEBUG they show tokens of devices and our own
        hush_all("hpack")
        hush_all("aioapns")

    def batches(self, messages: Sequence[Message]) -> Iterable[Sequence[Message]]:
        """Messages for as many devices as are asked for at once."""
        return batches_of_devices(messages, self._config.batch)

    def send(self, batch: Sequence[Message]) -> Sequence[Outcome]:
        """See `Provider`. A request for each device, all at once over the connections that there are."""
        asked = [(message, place, token) for message in batch for place, token in enumerate(devices_of(message))]
        requests: list[NotificationRequest | Outcome] = [_request(*one) for one in asked]
        answers = iter(self._connections.ask([one for one in requests if not isinstance(one, Outcome)]))
        found = [
            request if isinstance(request, Outcome) else _of_answer(next(answers), token)
            for request, (_, _, token) in zip(requests, asked, strict=True)
        ]
        return of_all_devices(batch, _blame(found))

    def look_up(self, messages: Sequence[Message]) -> Sequence[Outcome | None]:
        """Nothing: APNs cannot be asked. Sending again is safe, since the device shows it once."""
        return [None] * len(messages)

    def close(self) -> None:
        """See `Provider`."""
        self._connections.close()


def _request(message: Message, place: int, token: str) -> NotificationRequest | Outcome:
    """What is asked for one device; an outcome where that cannot be."""
    if not TOKEN.fullmatch(token):
        return outcomes.dead("apns_bad_device_token", token)
    payload = message.payload
    alert = {"title": payload["title"], "body": payload["body"]}
    content: Mapping[str, Any] = {**(payload.get("data") or {}), "aps": {"alert": alert, "sound": "default"}}
    if len(json.dumps(content, ensure_ascii=False).encode()) > MOST_BYTES:
        return outcomes.failed(f"apns_payload_too_large: more than {MOST_BYTES} bytes")
    return NotificationRequest(
        device_token=token,
        message=dict(content),
        notification_id=str(uuid5(IDS, f"{message.key}:{place}")),
        priority=HIGH_PRIORITY,
        collapse_key=collapse_id(message.key),
        push_type=PushType.ALERT,
    )


def _of_answer(answer: Answer | Outcome, token: str) -> Outcome:
    """What became of the message at one device."""
    if isinstance(answer, Outcome):
        return answer
    if answer.status == 200:
        return outcomes.sent(provider=Apns.name, provider_id=answer.apns_id)
    reason = answer.reason if REASON.fullmatch(answer.reason) else None
    named = f"apns_{answer.status}" + (f": {reason}" if reason else "")
    if answer.status == 410 or reason in GONE:
        return outcomes.dead(named, token)
    if reason in CONFIGURATION:
        return outcomes.misconfigured(named)
    return outcomes.of_http_status(Apns.name, answer.status, after=answer.retry_after, detail=reason)


def _blame(found: Sequence[Outcome]) -> Sequence[Outcome]:
    """Where no device of a call is reached, its tokens may all be of another app or environment: none is dead then.

    Where one is, a device of another app is no fault of the installation.
    """
    if any(outcome.status == "sent" for outcome in found):
        return [_of_message(outcome) if _names(outcome, "DeviceTokenNotForTopic") else outcome for outcome in found]
    return [_of_message(outcome) if _names(outcome, "BadDeviceToken") else outcome for outcome in found]


def _of_message(outcome: Outcome) -> Outcome:
    return outcomes.failed(outcome.result["reason"])


def _names(outcome: Outcome, reason: str) -> bool:
    return str(outcome.result.get("reason")).endswith(f": {reason}")
