"""E-mail through SendGrid's v3 Mail Send, by its own library over connections that are kept.

Source: https://www.twilio.com/docs/sendgrid/api-reference/mail-send. A request carries up to 1,000 personalizations,
and one that is wrong refuses them all.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final

import urllib3
from pydantic import Field
from python_http_client import Client
from python_http_client.exceptions import HTTPError, handle_error
from sendgrid import SendGridAPIClient

from journey_pipelines.delivery.providers import outcomes
from journey_pipelines.delivery.providers.http_pool import http_pool, of_transport_error, seconds_to_wait
from journey_pipelines.delivery.providers.message import Message
from journey_pipelines.delivery.providers.outcomes import Outcome
from journey_pipelines.delivery.providers.provider import ProviderConfig
from journey_pipelines.delivery.providers.quiet_logs import hush
from journey_pipelines.delivery.providers.skeleton import alike, most_substitution_bytes, skeleton_of

MOST_PERSONALIZATIONS: Final = 1_000
MOST_SUBSTITUTION_BYTES: Final = 10_000
FIELD: Final = re.compile(r"personalizations[.\[](\d+)")
NO_FIELD: Final = (None, "", "null")  # the vendor's document shows the word as an example
MESSAGE_FIELDS: Final = ("content", "subject")


class SendGridConfig(ProviderConfig):
    """SendGrid."""

    api_key: str = Field(min_length=1, repr=False, description="API key with the scope mail.send")
    sender: str = Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$", description="Address of a verified sender")
    sender_name: str | None = Field(default=None, description="Name beside the sender's address")
    reply_to: str | None = Field(default=None, pattern=r"^[^@\s<>]+@[^@\s<>]+$", description="Where answers go")
    webhook_key: str | None = Field(
        default=None, min_length=1, description="Verification key of the Signed Event Webhook, for `journeys webhooks`"
    )
    url: str = Field(default="https://api.sendgrid.com", pattern=r"^https?://", description="Base URL of the API")
    sandbox: bool = Field(default=False, description="SendGrid checks every request and delivers nothing")
    rate: float = Field(default=1_000, gt=0, description="Recipients a second, over all connections together")


class SendGrid:
    """Satisfies `Provider`."""

    name: ClassVar[str] = "sendgrid"
    listed_after: ClassVar[float] = 0.0

    def __init__(self, config: SendGridConfig) -> None:
        self._config = config
        self._pool = http_pool(connections=config.connections, timeout=config.timeout)
        self._api = SendGridAPIClient(config.api_key, host=config.url.rstrip("/"))
        headers = self._api.client.request_headers
        self._api.client = _PooledClient(self._pool, host=self._api.host, request_headers=headers, version=3)
        hush("python_http_client.client")  # at DEBUG it logs the API key and whole mails

    def batches(self, messages: Sequence[Message]) -> Iterable[Sequence[Message]]:
        """Messages of alike texts together; an address at most once in a request; what is too different alone."""
        for members in alike(messages, short_bytes=MOST_SUBSTITUTION_BYTES):
            large = _too_large(members)
            yield from ([message] for message in members if message.key in large)
            yield from _by_address([message for message in members if message.key not in large])

    def send(self, batch: Sequence[Message]) -> Sequence[Outcome]:
        """See `Provider`. SendGrid answers 202 for the whole request, or refuses the whole request."""
        try:
            response = self._api.client.mail.send.post(request_body=self._body(batch))
        except HTTPError as refusal:
            return self._refused(batch, refusal)
        except urllib3.exceptions.HTTPError as error:
            return [of_transport_error(self.name, error)] * len(batch)
        if response.status_code not in (200, 202):
            return [outcomes.unknown(f"sendgrid_{response.status_code}")] * len(batch)
        request_id = response.headers.get("X-Message-Id")
        return [outcomes.sent(provider=self.name, **({"provider_id": request_id} if request_id else {}))] * len(batch)

    def look_up(self, messages: Sequence[Message]) -> Sequence[Outcome | None]:
        """Nothing: without a paid add-on SendGrid cannot be asked; its Event Webhook tells."""
        return [None] * len(messages)

    def close(self) -> None:
        """See `Provider`."""
        self._pool.clear()

    def _body(self, batch: Sequence[Message]) -> dict[str, Any]:
        skeleton = skeleton_of(batch)
        contents = [
            {"type": kind, "value": skeleton.contents[part]}
            for part, kind in (("text", "text/plain"), ("html", "text/html"))
            if part in skeleton.contents
        ]
        config = self._config
        return {
            "from": {"email": config.sender, **({"name": config.sender_name} if config.sender_name else {})},
            **({"reply_to": {"email": config.reply_to}} if config.reply_to else {}),
            "personalizations": [
                _personalization(message, values) for message, values in zip(batch, skeleton.substitutions, strict=True)
            ],
            "content": contents or [{"type": "text/plain", "value": " "}],
            **({"mail_settings": {"sandbox_mode": {"enable": True}}} if config.sandbox else {}),
        }

    def _refused(self, batch: Sequence[Message], refusal: HTTPError) -> Sequence[Outcome]:
        """What each message of a refused request comes to: those at fault fail, the others are asked for again."""
        if refusal.status_code == 400:
            return self._at_fault(batch, _errors(refusal.body))
        if refusal.status_code == 413 and len(batch) > 1:
            return _halves(batch)
        after = seconds_to_wait(refusal.headers.get("Retry-After"), date=refusal.headers.get("Date"))
        if after is None and refusal.status_code == 429:
            after = _until_reset(refusal.headers)
        return [outcomes.of_http_status(self.name, refusal.status_code, after=after)] * len(batch)

    def _at_fault(self, batch: Sequence[Message], fields: Sequence[str]) -> Sequence[Outcome]:
        named = {
            int(found[1]): field for field in fields if (found := FIELD.match(field)) and int(found[1]) < len(batch)
        }
        if named:
            return [
                outcomes.failed(f"sendgrid_400: {FIELD.sub('personalizations', named[number])}")
                if number in named
                else outcomes.again()
                for number in range(len(batch))
            ]
        if any(field and not field.startswith(MESSAGE_FIELDS) for field in fields):
            return [outcomes.misconfigured(f"sendgrid_400: {next(filter(None, fields))}")] * len(batch)
        if len(batch) > 1:
            return _halves(batch)
        return [outcomes.failed(f"sendgrid_400: {next(filter(None, fields), 'no field named')}")]


class _PooledClient(Client):  # type: ignore[misc]  # the library has no types
    """The library's client, which opens a connection for each request, over a pool instead."""

    def __init__(self, pool: urllib3.PoolManager, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._pool = pool

    def _build_client(self, name: str | None = None) -> "_PooledClient":
        return _PooledClient(
            self._pool,
            host=self.host,
            version=self._version,
            request_headers=self.request_headers,
            url_path=[*self._url_path, name] if name else self._url_path,
        )

    def _make_request(self, opener: Any, request: Any, timeout: float | None = None) -> "_Answer":  # noqa: ARG002
        answer = _Answer(
            self._pool.request(
                request.get_method(), request.full_url, body=request.data, headers=dict(request.header_items())
            )
        )
        if answer.code >= 300:
            raise handle_error(answer)
        return answer


class _Answer:
    """An answer of the pool as the library reads it, of success and of failure."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self.code = response.status
        self.reason = response.reason
        self.hdrs = response.headers
        self._body = response.data

    def getcode(self) -> int:
        return self.code

    def read(self) -> bytes:
        return self._body

    def info(self) -> Any:
        return self.hdrs


def _personalization(message: Message, substitutions: Any) -> dict[str, Any]:
    headers = message.payload.get("headers")
    return {
        "to": [{"email": message.payload["to"]}],
        "subject": message.payload["subject"],
        "custom_args": {"dispatch": message.key},  # SendGrid treats these as not personal
        **({"substitutions": substitutions} if substitutions else {}),
        **({"headers": headers} if headers else {}),
    }


def _by_address(messages: Sequence[Message]) -> Iterable[Sequence[Message]]:
    """Full requests in which no address comes twice."""
    requests: list[list[Message]] = []
    seen: dict[str, int] = {}
    for message in messages:
        # the n-th message to an address goes into a request of the n-th row
        address = message.payload["to"].lower()
        row = seen.get(address, 0)
        seen[address] = row + 1
        if row == len(requests):
            requests.append([])
        requests[row].append(message)
    for row_messages in requests:
        for start in range(0, len(row_messages), MOST_PERSONALIZATIONS):
            yield row_messages[start : start + MOST_PERSONALIZATIONS]


def _halves(batch: Sequence[Message]) -> Sequence[Outcome]:
    return [outcomes.again(int(number >= len(batch) // 2)) for number in range(len(batch))]


def _too_large(members: Sequence[Message]) -> set[str]:
    """Keys of those whose substitutions are more than SendGrid takes."""
    if all(most_substitution_bytes(message) <= MOST_SUBSTITUTION_BYTES for message in members):
        return set()
    pairs = zip(members, skeleton_of(members).substitutions, strict=True)
    return {message.key for message, values in pairs if _size(values) > MOST_SUBSTITUTION_BYTES}


def _size(substitutions: Any) -> int:
    return sum(len(tag) + len(value.encode()) for tag, value in substitutions.items())


def _errors(body: bytes) -> list[str]:
    """The fields that a refusal names; "" for an error without one."""
    try:
        fields = [error.get("field") for error in json.loads(body)["errors"]]
        return ["" if field in NO_FIELD else str(field) for field in fields]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [""]


def _until_reset(headers: Any) -> float | None:
    """X-RateLimit-Reset is the Unix time of the next period; it counts from the answer's own `Date`."""
    reset = seconds_to_wait(headers.get("X-RateLimit-Reset"))
    date = seconds_to_wait(headers.get("Date"), date="Thu, 01 Jan 1970 00:00:00 GMT")
    return None if reset is None or date is None else max(reset - date, 0.0)
