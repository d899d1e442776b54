"""Push messages through Firebase Cloud Messaging's HTTP v1 API, by Google's own library.

Sources: https://firebase.google.com/docs/cloud-messaging/error-codes and
https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages. A request is one message to one device.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Self
from uuid import uuid4

import firebase_admin
import requests
from firebase_admin import messaging
from firebase_admin.credentials import Base, Certificate
from pydantic import Field, model_validator
from urllib3.exceptions import HTTPError, MaxRetryError

from journey_pipelines.delivery.providers import outcomes
from journey_pipelines.delivery.providers.fcm_session import NoTokenError, Session, StaticToken, direct
from journey_pipelines.delivery.providers.http_pool import of_transport_error, seconds_to_wait
from journey_pipelines.delivery.providers.message import Message
from journey_pipelines.delivery.providers.outcomes import Outcome
from journey_pipelines.delivery.providers.provider import ProviderConfig
from journey_pipelines.delivery.providers.push import batches_of_devices, collapse_id, devices_of, of_all_devices

MOST_OF_A_CALL: Final = 500
CODES: Final = {
    messaging.UnregisteredError: "UNREGISTERED",
    messaging.SenderIdMismatchError: "SENDER_ID_MISMATCH",
    messaging.ThirdPartyAuthError: "THIRD_PARTY_AUTH_ERROR",
    messaging.QuotaExceededError: "QUOTA_EXCEEDED",
}


class FcmConfig(ProviderConfig):
    """Firebase Cloud Messaging."""

    credentials_file: str | None = Field(default=None, description="JSON file with the key of a service account")
    credentials: str | None = Field(default=None, repr=False, description="The same key as JSON text")
    access_token: str | None = Field(
        default=None, min_length=1, repr=False, description="OAuth token that is used as it is, for emulators"
    )
    project_id: str | None = Field(
        default=None, pattern=r"^[\w:.-]+$", description="Firebase project; by default the service account's own"
    )
    url: str = Field(default="https://fcm.googleapis.com", pattern=r"^https?://", description="Base URL of the API")
    dry_run: bool = Field(default=False, description="FCM checks every message and delivers nothing")
    rate: float = Field(default=1_000, gt=0, description="Recipients a second, over all connections together")
    connections: int = Field(
        default=2, ge=1, le=64, description="Calls of the library that are under way at once, at most"
    )
    batch: int = Field(
        default=50, ge=1, le=MOST_OF_A_CALL, description="Devices of one call, each over a connection of its own"
    )

    @model_validator(mode="after")
    def _has_one_key(self) -> Self:
        given = [name for name in ("credentials_file", "credentials", "access_token") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("exactly one of credentials_file, credentials and access_token is needed")
        if self.access_token is not None and self.project_id is None:
            raise ValueError("access_token needs project_id")
        self.credential()
        return self

    def credential(self) -> Base:
        """What authorises the requests. Raises ValueError, which shows nothing of the key, where it is none."""
        if self.access_token is not None:
            return StaticToken(self.access_token)
        try:
            text = self.credentials or Path(self.credentials_file or "").read_text(encoding="utf-8")
            return Certificate(json.loads(text))
        except OSError as error:
            raise ValueError(f"credentials_file cannot be read ({error.strerror})") from None
        except (ValueError, AttributeError):
            raise ValueError("the credentials are not the JSON key of a service account") from None


class Fcm:
    """Satisfies `Provider`."""

    name: ClassVar[str] = "fcm"
    listed_after: ClassVar[float] = 0.0

    def __init__(self, config: FcmConfig) -> None:
        self._config = config
        credential = config.credential()
        options = {"projectId": config.project_id} if config.project_id else {}
        self._app = firebase_admin.initialize_app(credential, options, name=f"journeys-{uuid4()}")
        self._session = Session(
            credential.get_credential(), connections=config.connections * config.batch, timeout=config.timeout
        )
        direct(self._app, self._session, url=config.url, timeout=config.timeout)

    def batches(self, messages: Sequence[Message]) -> Iterable[Sequence[Message]]:
        """Messages for as many devices as one call is to have."""
        return batches_of_devices(messages, self._config.batch)

    def send(self, batch: Sequence[Message]) -> Sequence[Outcome]:
        """See `Provider`. One call of the library, which asks for each device in a request of its own."""
        asked = [(message, token) for message in batch for token in devices_of(message)]
        try:
            messages = [_for_device(message, token) for message, token in asked]
            found: list[Outcome] = []
            for start in range(0, len(asked), self._config.batch):
                found += self._ask(messages[start : start + self._config.batch])
        except ValueError:
            return _refused_by_the_library(batch)
        return of_all_devices(batch, _blame(found))

    def look_up(self, messages: Sequence[Message]) -> Sequence[Outcome | None]:
        """Nothing: FCM cannot be asked. Sending again is safe, since the device shows it once."""
        return [None] * len(messages)

    def close(self) -> None:
        """See `Provider`."""
        firebase_admin.delete_app(self._app)
        self._session.end()

    def _ask(self, messages: list[messaging.Message]) -> list[Outcome]:
        answer = messaging.send_each(messages, dry_run=self._config.dry_run, app=self._app)
        return [
            _of_response(response, message.token) for response, message in zip(answer.responses, messages, strict=True)
        ]


def _for_device(message: Message, token: str) -> messaging.Message:
    """The message to one device. Android ignores the collapse key of what it shows by itself, and heeds the tag."""
    payload, once = message.payload, collapse_id(message.key)
    made = messaging.Message(
        notification=messaging.Notification(title=payload["title"], body=payload["body"]),
        data={name: _text(value) for name, value in (payload.get("data") or {}).items()},
        android=messaging.AndroidConfig(collapse_key=once, notification=messaging.AndroidNotification(tag=once)),
        apns=messaging.APNSConfig(headers={"apns-collapse-id": once}),
        webpush=messaging.WebpushConfig(headers={"Topic": once}, notification=messaging.WebpushNotification(tag=once)),
    )
    made.token = token  # as an argument it warns each time to use installation ids instead
    return made


def _text(value: Any) -> str:
    """FCM's data are texts; what is none goes as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _of_response(response: messaging.SendResponse, token: str) -> Outcome:
    """What became of the message at one device."""
    if response.success:
        return outcomes.sent(provider=Fcm.name, provider_id=response.message_id)
    error = response.exception
    if error is None:
        return outcomes.unknown("fcm_200: without a name")
    answer = error.http_response
    if answer is None:
        return _of_lost_request(error.cause)
    code = CODES.get(type(error), error.code)
    if isinstance(error, messaging.UnregisteredError):
        return outcomes.dead(f"fcm_{answer.status_code}: {code}", token)
    if answer.status_code == 404:  # of the project or the URL, not of a device
        return outcomes.misconfigured(f"fcm_404: {code}")
    after = seconds_to_wait(answer.headers.get("Retry-After"), date=answer.headers.get("Date"))
    return outcomes.of_http_status(Fcm.name, answer.status_code, after=after, detail=code)


def _of_lost_request(cause: object) -> Outcome:
    """What it means that no answer came."""
    if isinstance(cause, NoTokenError):
        return cause.outcome
    inner = cause.args[0] if isinstance(cause, requests.RequestException) and cause.args else cause
    reason = inner.reason if isinstance(inner, MaxRetryError) else inner
    if isinstance(reason, HTTPError):
        return of_transport_error(Fcm.name, reason)
    return outcomes.unknown(f"fcm_no_answer: {type(cause).__name__}")


def _blame(found: Sequence[Outcome]) -> Sequence[Outcome]:
    """A device of another project is no fault of the installation where the same call reached devices of ours."""
    if all(outcome.status != "sent" for outcome in found):
        return found
    return [
        outcomes.failed(outcome.result["reason"])
        if outcome.is_misconfigured and outcome.result["reason"].endswith("SENDER_ID_MISMATCH")
        else outcome
        for outcome in found
    ]


def _refused_by_the_library(batch: Sequence[Message]) -> Sequence[Outcome]:
    """Nothing has left; the message at fault is found by asking for each alone."""
    if len(batch) > 1:
        return [outcomes.again(part) for part in range(len(batch))]
    return [outcomes.failed("fcm_message_invalid")]
