"""A way to the database that breaks off at one COMMIT: before it arrives, or after it was carried out."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from psycopg.conninfo import conninfo_to_dict

COMMIT: Final = b"COMMIT\0"


@dataclass
class Way:
    """Where to connect, which COMMIT (from 1) is lost, and how many came by."""

    url: str
    number: int
    is_carried_out: bool
    count: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def loses(self, sent: bytes) -> bool:
        """Whether these bytes of a client hold the COMMIT that is lost."""
        if COMMIT not in sent:
            return False
        with self.lock:
            self.count += 1
            return self.count == self.number


@contextmanager
def losing_commit(url: str, number: int, *, is_carried_out: bool) -> Iterator[Way]:
    """A Way to the database of `url` on this machine's loopback, for the block."""
    target = conninfo_to_dict(url)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        account = f"{target.get('user', 'postgres')}:{target.get('password', '')}"
        plain = f"postgresql://{account}@127.0.0.1:{port}/{target['dbname']}?sslmode=disable&gssencmode=disable"
        way = Way(plain, number, is_carried_out)
        threading.Thread(target=_listen, args=(listening, target, way), daemon=True).start()
        yield way
        listening.shutdown(socket.SHUT_RDWR)


def _listen(listening: socket.socket, target: dict[str, object], way: Way) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return  # the block has ended
        threading.Thread(target=_carry, args=(client, _connect(target), way), daemon=True).start()


def _connect(target: dict[str, object]) -> socket.socket:
    host, port = str(target["host"]), int(str(target["port"]))
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{host}/.s.PGSQL.{port}")
    return server


def _carry(client: socket.socket, server: socket.socket, way: Way) -> None:
    with client, server:
        while True:
            for side in select.select([client, server], [], [])[0]:
                carried = side.recv(65536)
                if not carried:
                    return
                if side is client and way.loses(carried):
                    if way.is_carried_out:
                        server.sendall(carried)
                        server.recv(65536)
                    return
                (server if side is client else client).sendall(carried)
