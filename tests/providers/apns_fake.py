"""APNs over HTTP/2 and TLS: checks a request as the vendor does, and keeps what it took over."""

import json
import re
import socket
import ssl
import threading
import time
from collections import deque

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded
from h2.settings import SettingCodes

from tests.providers.loopback import Reply, Request

KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
KEY_ID, TEAM_ID, TOPIC = "KEYOFTEST1", "TEAMOFTST1", "com.example.shop"
DEVICE = re.compile(r"/3/device/([0-9a-f]{8,200})")


class ApnsFake:
    """`accepted`: (device, headers, payload) that it has taken over; `refusals`: {device: (status, reason)}."""

    def __init__(self):
        self.accepted = []
        self.refused_addresses = set()
        self.refusals = {}

    def answer(self, request):
        headers = request.headers
        found = DEVICE.fullmatch(request.path)
        if request.method != "POST" or not found:
            return refusal(400, "BadPath")
        if not self._is_authorised(headers.get("authorization", "")):
            return refusal(403, "InvalidProviderToken")
        if headers.get("apns-topic") != TOPIC:
            return refusal(400, "TopicDisallowed")
        if len(headers.get("apns-collapse-id", "").encode()) > 64:
            return refusal(400, "BadCollapseId")
        if len(request.body) > 4096:
            return refusal(413, "PayloadTooLarge")
        device = found[1]
        if device in self.refused_addresses:
            return refusal(410, "Unregistered", timestamp=1772355600000)
        if device in self.refusals:
            return refusal(*self.refusals[device])
        payload = json.loads(request.body)
        if headers.get("apns-push-type") != "alert" or not payload.get("aps", {}).get("alert"):
            return refusal(400, "InvalidPushType")
        self.accepted.append((device, headers, payload))
        return Reply(200, b"", {"apns-id": headers["apns-id"]})

    def _is_authorised(self, header):
        try:
            token = header.removeprefix("bearer ")
            claims = jwt.decode(token, KEY.public_key(), algorithms=["ES256"], options={"verify_iat": False})
            is_fresh = abs(time.time() - claims["iat"]) < 3600
            return is_fresh and claims["iss"] == TEAM_ID and jwt.get_unverified_header(token)["kid"] == KEY_ID
        except jwt.PyJWTError:
            return False


def refusal(status, reason, **more):
    return Reply(status, {"reason": reason, **more})


class ApnsServer:
    """Serves `fake.answer(request)` as Loopback does, over HTTP/2. streams: how many it takes at once.

    go_away_after: how many requests a connection is answered before it is told to go; refuse_streams: how many are
    reset as not looked at.
    """

    def __init__(self, fake, *, authority, streams=100):
        self.fake = fake
        self.faults = deque()
        self.requests = []
        self.connections = 0
        self.streams = streams
        self.most_streams = 0
        self.go_away_after = None
        self.refuse_streams = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.set_alpn_protocols(["h2"])
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            _hang_up(connection)
        self._thread.join()

    @property
    def url(self):
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    def fail(self, *faults):
        self.faults.extend(faults)

    def _accept(self):
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        try:
            with self._context.wrap_socket(plain, server_side=True) as connection:
                self._open.add(connection)
                self.connections += 1
                _Conversation(self, connection).run()
        except OSError:
            plain.close()


class _Conversation:
    def __init__(self, server, connection):
        self.server = server
        self.connection = connection
        self.h2 = H2Connection(H2Configuration(client_side=False))
        self.h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: server.streams})
        self.heads, self.bodies, self.answered = {}, {}, 0

    def run(self):
        self.h2.initiate_connection()
        self._flush()
        while data := self.connection.recv(65536):
            if self.answered == self.server.go_away_after:
                continue  # what still comes is not looked at
            for event in self.h2.receive_data(data):
                if isinstance(event, RequestReceived):
                    self.heads[event.stream_id] = {_text(name): _text(value) for name, value in event.headers}
                    self.bodies[event.stream_id] = b""
                    self.server.most_streams = max(self.server.most_streams, self.h2.open_inbound_streams)
                elif isinstance(event, DataReceived):
                    self.bodies[event.stream_id] += event.data
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, StreamEnded) and not self._answer(event.stream_id):
                    return
            self._flush()

    def _answer(self, stream):
        """Answer one request; False: the connection is over."""
        server, head = self.server, self.heads.pop(stream)
        if self.answered == server.go_away_after:
            return True
        if server.refuse_streams:
            server.refuse_streams -= 1
            self.h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
            return True
        request = Request(head.pop(":method"), head.pop(":path"), head, self.bodies.pop(stream))
        server.requests.append(request)
        fault = server.faults.popleft() if server.faults else None
        reply = server.fake.answer(request) if fault is None or fault.accepts else fault.reply
        kind = "reply" if fault is None else fault.kind
        if kind in ("lose", "reset", "garble"):
            if kind == "garble":
                self.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nthis is no frame of HTTP/2 at all")
            _hang_up(self.connection)
            return False
        if kind == "reset_stream":
            self.h2.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
        elif kind == "reply":
            self._reply(stream, reply)
        return True  # a slow one is never answered

    def _reply(self, stream, reply):
        content = reply.content
        headers = [(":status", str(reply.status)), *((name.lower(), value) for name, value in reply.headers.items())]
        self.h2.send_headers(stream, headers, end_stream=not content)
        half = len(content) // 2
        for part in (content[:half], content[half:]) if content else ():
            self.h2.send_data(stream, part)
        if content:
            self.h2.end_stream(stream)
        self.answered += 1
        if self.answered == self.server.go_away_after:
            self._flush()
            self.h2.close_connection(last_stream_id=stream)

    def _flush(self):
        self.connection.sendall(self.h2.data_to_send())


def _hang_up(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        """It is gone already."""


def _text(value):
    return value if isinstance(value, str) else value.decode()
