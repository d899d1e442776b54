"""Taking one customer's messages out of the outbox folder.

A mail's file goes. A line becomes one of blanks of the same length that says `erased`, so that whoever appends at this
moment finds the file as long as it was.
"""

import fcntl
import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any, Final

from journey_pipelines.delivery.channels.email_files import slug

MARK: Final = b'{"erased": true}'
KEY_HEADER: Final = "X-Journeys-Dispatch"


@dataclass(frozen=True)
class Messages:
    """One customer's messages: files of mails, and where lines begin and how long they are."""

    mails: list[Path] = field(default_factory=list)
    lines: dict[Path, list[tuple[int, int]]] = field(default_factory=dict)

    @property
    def line_count(self) -> int:
        """How many lines these are, in all files."""
        return sum(map(len, self.lines.values()))


def find_messages(folder: Path, customer_id: str, execution_ids: Collection[str]) -> Messages:
    """What the folder holds of a customer with these executions: a mail names its dispatch, a line the customer."""
    candidates = sorted(folder.glob(f"email/*/{slug(customer_id)}-*"))
    mails = [path for path in candidates if path.suffix == ".unfinished" or _execution_of(path) in execution_ids]
    found = {path: list(_own_lines(path, customer_id)) for path in sorted(folder.glob("*/*.jsonl"))}
    return Messages(mails, {path: places for path, places in found.items() if places})


def erase_messages(messages: Messages) -> None:
    """Remove them; what was removed before is passed over."""
    for path in messages.mails:
        path.unlink(missing_ok=True)
    for path, places in messages.lines.items():
        _blank(path, places)


def _blank(path: Path, places: list[tuple[int, int]]) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for begin, length in places:
            os.pwrite(descriptor, MARK[:length].ljust(length), begin)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _execution_of(path: Path) -> str:
    """The execution that a mail belongs to; empty where the file says none."""
    with path.open("rb") as opened:
        header = BytesHeaderParser(policy=policy.default).parse(opened)
    return str(header.get(KEY_HEADER, "")).strip().split(":", 1)[0]


def _own_lines(path: Path, customer_id: str) -> Iterator[tuple[int, int]]:
    begin = 0
    for line in path.read_bytes().split(b"\n"):
        if _customer_of(line) == customer_id:
            yield begin, len(line)
        begin += len(line) + 1


def _customer_of(line: bytes) -> Any:
    try:
        return json.loads(line)["customer_id"]
    except (ValueError, KeyError, TypeError):
        return None
