"""A server on loopback that takes over every mail and SMS that it is asked to send, in a process of its own.

`python -m journey_pipelines.bench.accepting_server` says its URL and serves until its standard input ends. It answers
SendGrid's Mail Send and Twilio's Messages as they do, and at /taken how many messages it took for how many addresses.
"""

import json
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs


@dataclass(frozen=True)
class AcceptingServer:
    """The running process, seen from the one that measures."""

    url: str
    process: int

    def taken(self) -> dict[str, int]:
        """How many messages it took since the last call, and for how many addresses; then it begins anew."""
        with urllib.request.urlopen(f"{self.url}/taken", timeout=30) as answer:  # noqa: S310 - loopback
            found: dict[str, int] = json.load(answer)
        return found


@contextmanager
def accepting_server() -> Iterator[AcceptingServer]:
    """Start it, and end it at the end."""
    command = [sys.executable, "-m", __spec__.name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield AcceptingServer(process.stdout.readline().strip(), process.pid)
        finally:
            process.stdin.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    addresses: ClassVar[Counter[str]] = Counter()
    lock: ClassVar[threading.Lock] = threading.Lock()

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        with self.lock:
            found = {"messages": self.addresses.total(), "addresses": len(self.addresses)}
            self.addresses.clear()
        self._reply(200, found)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v3/mail/send":
            self._take([one["to"][0]["email"] for one in json.loads(body)["personalizations"]])
            self._reply(202, None)
        else:
            form = parse_qs(body.decode())
            self._take(form["To"])
            self._reply(201, {"sid": f"SM{'0' * 32}", "to": form["To"][0], "status": "queued", "error_code": None})

    def _take(self, addresses: list[str]) -> None:
        with self.lock:
            self.addresses.update(addresses)

    def _reply(self, status: int, value: Any) -> None:
        content = b"" if value is None else json.dumps(value).encode()
        head = f"HTTP/1.1 {status} Taken\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self.wfile.write(head.encode() + content)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    """Serve until nobody is there any more."""
    server = _Server(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
