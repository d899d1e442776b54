"""SMS through Twilio's Messages, by its own library over connections that are kept.

Sources: https://www.twilio.com/docs/messaging/api/message-resource and https://www.twilio.com/docs/api/errors.
"""

import logging
import threading
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import urllib3
from pydantic import Field, model_validator
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from journey_pipelines.delivery.providers import outcomes
from journey_pipelines.delivery.providers.http_pool import http_pool, of_transport_error, seconds_to_wait
from journey_pipelines.delivery.providers.message import Message
from journey_pipelines.delivery.providers.outcomes import Outcome
from journey_pipelines.delivery.providers.provider import ProviderConfig
from journey_pipelines.delivery.providers.quiet_logs import hush

LOGGER = logging.getLogger(__name__)

REFUSED: Final = {
    21211: "invalid_number",
    21214: "not_reachable",
    21217: "invalid_number",
    21408: "region_not_enabled",
    21602: "no_text",
    21608: "not_verified_for_trial",
    21610: "unsubscribed",
    21612: "not_reachable_from_sender",
    21614: "not_a_mobile_number",
    21617: "text_too_long",
    30004: "blocked",
    30007: "filtered",
}
"""Codes that are the message's own."""
DEAD: Final = frozenset({21211, 21610, 21614})
"""Those of them after which the number is not written to any more."""
CONFIGURATION: Final = frozenset({20003, 20005, 20006, 20008, 20404, 21212, 21603, 21606, 21659, 21660, 21701, 21703})
TRANSIENT: Final = frozenset({20429, 21611, 30001, 63038})
NOT_DELIVERED: Final = frozenset({"failed", "undelivered", "canceled"})
LONGEST_BEFORE: Final = timedelta(days=1)  # that a run's `as_of` is ahead of the clock, such as the end of today
PAGE_SIZE: Final = 50


class TwilioConfig(ProviderConfig):
    """Twilio."""

    account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$", description="SID of the account")
    auth_token: str = Field(min_length=1, repr=False, description="The account's auth token")
    sender: str | None = Field(
        default=None, min_length=1, description="Number in E.164, or name, that messages come from"
    )
    messaging_service: str | None = Field(
        default=None, pattern=r"^MG[0-9a-fA-F]{32}$", description="SID of the messaging service that chooses a sender"
    )
    status_callback: str | None = Field(
        default=None, pattern=r"^https?://", description="URL that Twilio tells what became of a message"
    )
    url: str = Field(default="https://api.twilio.com", pattern=r"^https?://", description="Base URL of the API")
    connections: int = Field(default=8, ge=1, le=64, description="Requests that are under way at once, at most")
    list_delay: float = Field(
        default=10, ge=0, description="Seconds after which a message that was taken over is surely listed"
    )

    @model_validator(mode="after")
    def _has_one_sender(self) -> "TwilioConfig":
        if (self.sender is None) == (self.messaging_service is None):
            raise ValueError("set a sender or a messaging service, and not both")
        return self


class Twilio:
    """Satisfies `Provider`."""

    name: ClassVar[str] = "twilio"

    def __init__(self, config: TwilioConfig) -> None:
        self._config = config
        self._http = _PooledHttp(http_pool(connections=config.connections, timeout=config.timeout))
        client = Client(config.account_sid, config.auth_token, http_client=self._http)
        client.api.base_url = config.url.rstrip("/")
        self._messages = client.messages
        senders = {"from_": config.sender, "messaging_service_sid": config.messaging_service}
        self._sender = {name: value for name, value in senders.items() if value is not None}
        hush("twilio.http_client", above=logging.INFO)

    @property
    def listed_after(self) -> float:
        """See `Provider`."""
        return self._config.list_delay

    def batches(self, messages: Sequence[Message]) -> Iterable[Sequence[Message]]:
        """Each alone: a request carries one message."""
        return ([message] for message in messages)

    def send(self, batch: Sequence[Message]) -> Sequence[Outcome]:
        """See `Provider`."""
        return [self._send_one(message) for message in batch]

    def look_up(self, messages: Sequence[Message]) -> Sequence[Outcome | None]:
        """What Twilio's list of messages to each number says, newest first, from a day before they left.

        They are told by their letters and digits, since a messaging service may replace other characters. Equal texts
        to one number are the same to everybody: as many of them count as sent as are listed. A text that left earlier
        within that day counts too, so that nothing is sent twice. A list that cannot be read tells nothing.
        """
        numbers: dict[str, list[Message]] = {}
        for message in messages:
            numbers.setdefault(message.payload["to"], []).append(message)
        with ThreadPoolExecutor(self._config.connections, thread_name_prefix="twilio-list") as pool:
            found: dict[str, Outcome] = {}
            for known in pool.map(self._look_up_number, numbers, numbers.values()):
                found.update(known)
        return [found.get(message.key) for message in messages]

    def close(self) -> None:
        """See `Provider`."""
        self._http.pool.clear()

    def _send_one(self, message: Message) -> Outcome:
        config, payload = self._config, message.payload
        more = {} if config.status_callback is None else {"status_callback": _callback(config.status_callback, message)}
        try:
            created = self._messages.create(to=payload["to"], body=payload["message"], **self._sender, **more)
        except (TwilioRestException, TwilioServiceException) as refusal:
            return _refused(refusal.status, refusal.code, self._http.last_headers, number=payload["to"])
        except urllib3.exceptions.HTTPError as error:
            return of_transport_error(self.name, error)
        except (TwilioException, ValueError, KeyError, TypeError, AttributeError) as error:
            return outcomes.unknown(f"twilio_unreadable_answer: {type(error).__name__}")
        return _as_listed(created.sid, created.status, created.error_code)

    def _look_up_number(self, number: str, messages: Sequence[Message]) -> Mapping[str, Outcome]:
        try:
            listed = self._listed(number, messages)
        except (
            TwilioException,
            urllib3.exceptions.HTTPError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
        ) as error:
            LOGGER.warning("twilio: a list of messages could not be read: %s", type(error).__name__)
            return {}
        found = {}
        for message in messages:
            text = _letters(message.payload["message"])
            # a trial account writes a sentence before each text
            entry = next((entry for entry in listed if _letters(entry.body or "").endswith(text)), None)
            if entry is None:
                found[message.key] = outcomes.retry("twilio_not_taken_over")
            else:
                listed.remove(entry)
                found[message.key] = _as_listed(entry.sid, entry.status, entry.error_code)
        return found

    def _listed(self, number: str, messages: Sequence[Message]) -> list[Any]:
        """Messages to the number, oldest first, created since the earliest of these left or may have left.

        By the date of creation: a message that waits in Twilio's queue has no date of sending to ask for.
        """
        entries: list[Any] = []
        first = None
        for entry in self._messages.stream(to=number, page_size=PAGE_SIZE):
            first = first or self._earliest(messages)
            if entry.date_created < first:
                break
            entries.append(entry)
        return [entry for entry in reversed(entries) if entry.direction != "inbound"]

    def _earliest(self, messages: Sequence[Message]) -> datetime:
        """From when on they may have been created; a run's `as_of` may be ahead of Twilio's clock."""
        now = parsedate_to_datetime(self._http.last_headers.get("Date", ""))
        return min(now, *(message.at for message in messages)) - LONGEST_BEFORE


class _PooledHttp(HttpClient):  # type: ignore[misc]  # the library has no types
    """Sends each request of the library once, over a pool, and keeps the headers of the answer for its thread."""

    def __init__(self, pool: urllib3.PoolManager) -> None:
        super().__init__(logging.getLogger("twilio.http_client"), is_async=False)
        self.pool = pool
        self._thread = threading.local()

    @property
    def last_headers(self) -> Mapping[str, str]:
        """Those of the last answer in this thread; the library's errors have none."""
        found: Mapping[str, str] = getattr(self._thread, "headers", {})
        return found

    def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the pool's holds
        allow_redirects: bool = False,  # noqa: ARG002, FBT001, FBT002 - the library's signature
    ) -> Response:
        """See the library's HttpClient."""
        self._thread.headers = {}
        sent = {**(headers or {}), **(urllib3.make_headers(basic_auth=":".join(auth)) if auth else {})}
        answer = self.pool.request(
            method.upper(),
            f"{uri}?{urlencode(params)}" if params else uri,
            body=urlencode(data or {}, doseq=True) if method.upper() == "POST" else None,
            headers=sent,
        )
        self._thread.headers = answer.headers
        return Response(answer.status, answer.data.decode("utf-8", errors="replace"), answer.headers)


def _refused(status: Any, code: Any, headers: Mapping[str, str], *, number: str) -> Outcome:
    """What a refusal means: by Twilio's own code, else by the HTTP status."""
    after = seconds_to_wait(headers.get("Retry-After"), date=headers.get("Date"))
    if code in REFUSED:
        reason = f"twilio_{code}: {REFUSED[code]}"
        return outcomes.dead(reason, number) if code in DEAD else outcomes.failed(reason)
    if code in CONFIGURATION:
        return outcomes.misconfigured(f"twilio_{code}")
    if code in TRANSIENT:
        return outcomes.retry(f"twilio_{code}", after=after)
    detail = str(code) if isinstance(code, int) and code != status else None
    return outcomes.of_http_status("twilio", int(status), after=after, detail=detail)


def _as_listed(sid: str | None, status: str | None, code: Any) -> Outcome:
    """What the status of a message that Twilio has says: it left, unless Twilio says that it will not arrive."""
    if status in NOT_DELIVERED:
        return outcomes.failed(f"twilio_{code}: {REFUSED.get(code, status)}")
    if not sid:
        return outcomes.unknown("twilio_unreadable_answer: no sid")
    return outcomes.sent(provider="twilio", provider_id=sid)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text)))


def _callback(url: str, message: Message) -> str:
    """The URL with the dispatch's key, so that a callback tells it even where Twilio's answer was lost."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'dispatch': message.key})}"
