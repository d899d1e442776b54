"""Short messages as JSON lines, one file for each day."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from journey_pipelines.delivery.answers import answers, together
from journey_pipelines.delivery.channels.message_identity import message_id, receipt, request_days


class LineFiles:
    """Satisfies `Channel`. A line counts once its newline is there; a torn last line is cut off by the next writer."""

    def __init__(self, root: Path, channel: str) -> None:
        self._root = root
        self._channel = channel
        self._known: dict[str, _Known] = {}

    def send(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        """See `Channel`; the result names the message and its file, relative to the outbox."""
        days = dispatches.reset_index(drop=True).groupby(request_days(dispatches).to_numpy(), sort=False)
        return together(self._append(f"{self._channel}/{day}.jsonl", rows) for day, rows in days)

    def look_up(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        """See `Channel`: what is in a file was sent, everything else never left."""
        days = dispatches.reset_index(drop=True).groupby(request_days(dispatches).to_numpy(), sort=False)
        return together(self._find(f"{self._channel}/{day}.jsonl", rows) for day, rows in days)

    def _append(self, file: str, dispatches: pd.DataFrame) -> pd.DataFrame:
        path = self._root / file
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _open_alone(path) as descriptor:
                known = self._read(file, descriptor)
                os.ftruncate(descriptor, known.size)
                new = dispatches[~dispatches["key"].isin(known.keys)]
                content = "".join(_lines(new)).encode()
                _write_at(descriptor, content, known.size)
                self._known[file] = _Known(known.size + len(content), known.keys | frozenset(new["key"]))
        except OSError as error:
            reason = f"outbox_unwritable: {path}: {error.strerror}"
            return answers(dispatches["key"], "retry", [{"reason": reason}] * len(dispatches))
        return answers(dispatches["key"], "sent", [receipt(file, key) for key in dispatches["key"]])

    def _find(self, file: str, dispatches: pd.DataFrame) -> pd.DataFrame:
        path = self._root / file
        keys: frozenset[str] = frozenset()
        if path.exists():
            with path.open("rb") as opened:
                keys = self._read(file, opened.fileno()).keys
        has_left = dispatches["key"].isin(keys).tolist()
        results = [receipt(file, key) if left else {} for key, left in zip(dispatches["key"], has_left, strict=True)]
        return answers(dispatches["key"], ["sent" if left else "retry" for left in has_left], results)

    def _read(self, file: str, descriptor: int) -> "_Known":
        size = os.fstat(descriptor).st_size
        known = self._known.get(file)
        if known is not None and known.size == size:
            return known
        content = os.pread(descriptor, size, 0)
        lines = content.split(b"\n")[:-1]
        return _Known(content.rfind(b"\n") + 1, frozenset(key for line in lines if (key := _key_of(line)) is not None))


@dataclass(frozen=True)
class _Known:
    """What a file held when it was last looked at: its size without a torn last line, and the keys of its lines."""

    size: int
    keys: frozenset[str]


@contextmanager
def _open_alone(path: Path) -> Iterator[int]:
    """The file open for writing, by one process at a time."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _write_at(descriptor: int, content: bytes, offset: int) -> None:
    while content:
        written = os.pwrite(descriptor, content, offset)
        content, offset = content[written:], offset + written
    os.fsync(descriptor)


def _lines(dispatches: pd.DataFrame) -> Iterator[str]:
    columns = ["key", "customer_id", "journey_key", "node_id", "payload"]
    for key, customer, journey, node, payload in zip(*(dispatches[name] for name in columns), strict=True):
        line = {
            "key": key,
            "message_id": message_id(key),
            "customer_id": customer,
            "journey_key": journey,
            "node_id": node,
        }
        yield json.dumps({**line, **payload, **line}, ensure_ascii=False, default=str) + "\n"


def _key_of(line: bytes) -> str | None:
    try:
        return str(json.loads(line)["key"])
    except (ValueError, KeyError, TypeError):
        return None
