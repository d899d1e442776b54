"""aioapns, each request once, in a thread with an event loop of its own.

The library sends a request again by itself, stalls after some 1,200 refusals since it acknowledges no data, waits for
ever for a stream that was reset, and does not tell a connection that never came about from one that broke. What is done
about that reaches into it, and lies here.
"""

import asyncio
import json
import ssl
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from aioapns.common import DynamicBoundedSemaphore, NotificationRequest
from aioapns.connection import APNsBaseClientProtocol, APNsKeyConnectionPool, APNsTLSClientProtocol, ChannelPool
from aioapns.exceptions import ConnectionClosed, ConnectionError  # noqa: A004 - the library's names
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import NoAvailableStreamIDError, ProtocolError

from journey_pipelines.delivery.providers import outcomes
from journey_pipelines.delivery.providers.http_pool import seconds_to_wait
from journey_pipelines.delivery.providers.outcomes import Outcome

T = TypeVar("T")
LARGEST_BODY: Final = 4096
STREAMS_BEFORE_SETTINGS: Final = 1000


@dataclass(frozen=True)
class Answer:
    """What APNs answered about one device."""

    status: int
    reason: str
    apns_id: str
    retry_after: float | None


class NotProcessedError(Exception):
    """The request was provably not looked at."""


class LostError(Exception):
    """Whether the request was carried out, nobody can tell."""


class ApnsConnections:
    """Connections that are made when something is sent. Any thread may ask."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        signed_by: tuple[str, str, str],
        topic: str,
        connections: int,
        timeout: float,
    ) -> None:
        """`signed_by`: the key as PEM, its id, the team's id."""
        self._timeout = timeout
        protocol = type(
            "_ProtocolOfHost",
            (_Protocol,),
            # longer than any answer is waited for: whoever is idle for so long is left
            {"APNS_SERVER": host, "APNS_PORT": port, "INACTIVITY_TIME": timeout + 30},
        )
        self._make_pool = partial(_Pool, protocol, signed_by, topic, connections)
        self._pool: _Pool | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._turn = threading.Lock()

    def ask(self, requests: Sequence[NotificationRequest]) -> Sequence[Answer | Outcome]:
        """One answer for each request, in order, or what it means that none came."""
        return self._run(self._ask_all(requests)).result() if requests else []

    def close(self) -> None:
        """End the connections and the thread."""
        with self._turn:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        with self._turn:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="apns", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _ask_all(self, requests: Sequence[NotificationRequest]) -> Sequence[Answer | Outcome]:
        self._pool = self._pool or self._make_pool()
        return await asyncio.gather(*(self._ask(self._pool, request) for request in requests))

    async def _ask(self, pool: "_Pool", request: NotificationRequest) -> Answer | Outcome:
        try:
            connection = await asyncio.wait_for(pool.acquire(), min(self._timeout, 10.0))
        except ConnectionError as error:
            return _of_no_connection(error.__context__)
        except TimeoutError as error:
            return _of_no_connection(error)
        assert isinstance(connection, _Protocol)
        try:
            answer: Any = await asyncio.wait_for(connection.send_notification(request), self._timeout)
        except TimeoutError:
            # what goes on over it would be in doubt too
            return _of_silence(has_left=connection.give_up(request))
        except LostError as error:
            return outcomes.unknown(f"apns_no_answer: {error}")
        except (NotProcessedError, ConnectionClosed, NoAvailableStreamIDError, ProtocolError) as error:
            return outcomes.retry(f"apns_not_processed: {type(error).__name__}")
        assert isinstance(answer, Answer)
        return answer

    async def _end(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.end()


class _Channels(ChannelPool):
    """Streams of one connection: none before the peer has said how many, and none whose body there is no room for."""

    def __init__(self, conn: H2Connection) -> None:
        super().__init__(STREAMS_BEFORE_SETTINGS)
        self._conn = conn
        self._is_open = False
        self._moved = asyncio.Event()
        self._reason: Exception | None = None

    async def acquire(self) -> int:  # type: ignore[override]  # as the library does
        """The next stream. Raises ConnectionClosed, NotProcessedError where there will be none."""
        await DynamicBoundedSemaphore.acquire(self)
        while self._reason is None and not self._has_room:
            await self._moved.wait()
        if self._reason is not None:
            raise self._reason
        self._stream_id += 2
        if self._stream_id > H2Connection.HIGHEST_ALLOWED_STREAM_ID:
            raise NoAvailableStreamIDError
        return int(self._stream_id)

    @property
    def _has_room(self) -> bool:
        return self._is_open and self._conn.outbound_flow_control_window >= LARGEST_BODY

    def move(self, *, is_open: bool = False) -> None:
        """Let those who wait look again."""
        self._is_open = self._is_open or is_open
        self._moved.set()
        self._moved = asyncio.Event()

    def end(self, reason: Exception) -> None:
        """No stream any more."""
        self._reason = self._reason or reason
        self.move()
        self.destroy(reason)


class _Protocol(APNsTLSClientProtocol):
    """The library's connection, with what it does not do when data come in."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._streams = _Channels(self.conn)
        self.free_channels = self._streams
        self._heads: dict[int, dict[str, str]] = {}
        self._bodies: dict[int, bytearray] = {}
        self._is_ending = False

    @property
    def is_busy(self) -> bool:
        """Whether the pool must look for another connection."""
        return self._is_ending or bool(super().is_busy)

    def give_up(self, request: NotificationRequest) -> bool:
        """Wait no longer for its answer, and leave the connection; whether it had left."""
        has_left = self.requests.pop(request.notification_id, None) is not None
        self._leave()
        return has_left

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        try:
            for event in self.conn.receive_data(data):
                self._handle(event)
            self.flush()
        except ProtocolError:
            self.abort()

    def abort(self) -> None:
        """End the connection at once."""
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio.Protocol: whoever waits for an answer gets none."""
        self._is_ending = True
        waiting, self.requests = self.requests, {}
        for future in waiting.values():
            _fail(future, LostError("connection lost"))
        self._streams.end(ConnectionClosed("lost"))
        super().connection_lost(error)

    def _handle(self, event: object) -> None:
        match event:
            case RemoteSettingsChanged():
                self.on_remote_settings_changed(event.changed_settings)  # type: ignore[arg-type]  # codes are integers
                self._streams.move(is_open=True)
            case WindowUpdated():
                self._streams.move()
            case ResponseReceived():
                self._heads[event.stream_id] = {_text(name): _text(value) for name, value in event.headers}
            case DataReceived():
                self._bodies.setdefault(event.stream_id, bytearray()).extend(event.data)
                self.conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded():
                self._answer(event.stream_id)
            case StreamReset():
                is_refused = event.error_code == ErrorCodes.REFUSED_STREAM
                self._end_stream(event.stream_id, NotProcessedError() if is_refused else LostError("stream reset"))
            case ConnectionTerminated():
                self._go_away(event.last_stream_id or 0)

    def _answer(self, stream_id: int) -> None:
        head, body = self._heads.pop(stream_id, {}), self._bodies.pop(stream_id, bytearray())
        self.free_channels.release()
        future = self._future(stream_id)
        if future is None or future.done():
            return
        status = head.get(":status", "")
        if not status.isdigit():
            future.set_exception(LostError("no status"))
            return
        after = seconds_to_wait(head.get("retry-after"), date=head.get("date"))
        future.set_result(Answer(int(status), _reason(bytes(body)), head.get("apns-id", ""), after))

    def _end_stream(self, stream_id: int, error: Exception) -> None:
        self.free_channels.release()
        self._heads.pop(stream_id, None)
        self._bodies.pop(stream_id, None)
        future = self._future(stream_id)
        if future is not None:
            _fail(future, error)

    def _go_away(self, last_stream_id: int) -> None:
        """GOAWAY (RFC 9113, 6.8): streams above the last one were not looked at, the others may still be answered."""
        for stream_id in [number for number in self.request_streams if number > last_stream_id]:
            self._end_stream(stream_id, NotProcessedError())
        self._leave()

    def _leave(self) -> None:
        """No new request; the connection ends with those that are under way."""
        self._is_ending = True
        self._streams.end(NotProcessedError())
        if not self.requests:
            self.close()

    def _future(self, stream_id: int) -> "asyncio.Future[Any] | None":
        future = self.requests.pop(self.request_streams.pop(stream_id, ""), None)
        if self._is_ending and not self.requests:
            self.loop.call_soon(self.close)
        return future


class _Pool(APNsKeyConnectionPool):
    """The library's pool over our protocol. To be made inside the loop."""

    def __init__(
        self, protocol: type[_Protocol], signed_by: tuple[str, str, str], topic: str, connections: int
    ) -> None:
        key, key_id, team_id = signed_by
        context = ssl.create_default_context()
        context.set_alpn_protocols(["h2"])
        super().__init__(key, key_id, team_id, topic, max_connections=connections, ssl_context=context)
        self.protocol_class = protocol
        self._ended = asyncio.Event()

    def discard_connection(self, connection: APNsBaseClientProtocol) -> None:
        """See the library; a connection may be lost before it was counted."""
        if connection in self.connections:
            self.connections.remove(connection)
        if not self.connections:
            self._ended.set()

    async def end(self) -> None:
        """Close all connections, and see them closed."""
        self._ended.clear()
        if self.connections:
            for connection in self.connections:
                assert isinstance(connection, _Protocol)
                connection.abort()
            await asyncio.wait_for(self._ended.wait(), 5)


def _of_no_connection(cause: BaseException | None) -> Outcome:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return outcomes.misconfigured("apns_certificate_not_trusted")
    return outcomes.retry(f"apns_unreachable: {type(cause).__name__}")


def _of_silence(*, has_left: bool) -> Outcome:
    return outcomes.unknown("apns_no_answer: timeout") if has_left else outcomes.retry("apns_unreachable: timeout")


def _fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", errors="replace")


def _reason(body: bytes) -> str:
    try:
        found = json.loads(body)["reason"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""
