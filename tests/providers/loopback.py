"""An HTTP server on loopback that answers as a fake says, after the faults that a test asks for."""

import json
import socket
import ssl
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import trustme


@dataclass
class Request:
    method: str
    path: str
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def form(self):
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def query(self):
        return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))


@dataclass
class Reply:
    status: int
    body: object = b""
    headers: dict = field(default_factory=dict)

    @property
    def content(self):
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request. `accepts`: the fake sees it all the same."""

    kind: str  # reply | lose | reset | garble | slow
    reply: Reply | None = None

    @property
    def accepts(self):
        return self.kind in ("lose", "garble", "slow")


LOSE_REPLY = Fault("lose")
RESET = Fault("reset")
GARBLE = Fault("garble")
SLOW = Fault("slow")


class Loopback:
    """Serves `fake.answer(request)`; each request takes the next of `faults` first, where there is one."""

    def __init__(self, fake, *, authority=None):
        self.fake = fake
        self.faults = deque()
        self.requests = []
        self.stopping = threading.Event()
        self._server = _Server(self)
        self.scheme = "http"
        if authority is not None:
            self.scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self._server.server_address[1]}"

    def fail(self, *faults):
        self.faults.extend(faults)

    def next_fault(self):
        """What goes wrong with the request that came just now."""
        return self.faults.popleft() if self.faults else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, loopback):
        self.loopback = loopback
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request, client_address):
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Nothing."""

    def _handle(self):
        loopback = self.server.loopback
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        loopback.requests.append(request)
        fault = loopback.next_fault()
        reply = loopback.fake.answer(request) if fault is None or fault.accepts else fault.reply
        kind = None if fault is None else fault.kind
        if kind in ("lose", "reset"):
            self._hang_up()
        elif kind == "garble":
            self.wfile.write(b'HTTP/1.1 2xx what\r\nContent-Length: many\r\n\r\n{"half": ')
            self._hang_up()
        else:
            if kind == "slow":
                loopback.stopping.wait(30)
            self._reply(reply)

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - the names that http.server looks for

    def _reply(self, reply):
        content = reply.content
        head = [f"HTTP/1.1 {reply.status} Reply", f"Content-Length: {len(content)}"]
        if content and not any(name.lower() == "content-type" for name in reply.headers):
            head.append("Content-Type: application/json")
        head += [f"{name}: {value}" for name, value in reply.headers.items()]
        self.wfile.write("\r\n".join(head).encode() + b"\r\n\r\n" + content)

    def _hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def make_authority():
    return trustme.CA()


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
