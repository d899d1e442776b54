"""Looking for a customer everywhere once more, by id and addresses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from journey_pipelines.delivery.channels.email_files import slug
from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.erasure.identifiers import Identifiers
from journey_pipelines.errors import SnapshotError
from journey_pipelines.snapshots.erasure import check, is_marked, read_table, snapshot_files
from journey_pipelines.snapshots.file_snapshot import CUSTOMER


@dataclass(frozen=True)
class Proof:
    """Where it looked, and where something is left or cannot be read."""

    tables: int
    snapshot_files: int
    outbox_files: int
    log_files: int
    remains: Mapping[str, str]  # place -> what is there

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left."""
        return not self.remains


def prove(store: JourneyStore, who: Identifiers, *, snapshots: Path, outbox: Path, logs: Path) -> Proof:
    """Search every table, snapshot file, message and log for the customer."""
    with store.transaction() as transaction:
        tables = transaction.search(who.id_pattern, who.address_pattern)
    remains = {f"table {table}": f"{rows} rows name them" for table, rows in tables.items() if rows}
    parquet, messages, texts = list(snapshot_files(snapshots)), list(_files(outbox)), list(_files(logs, "*.log*"))
    remains |= _left({str(path): _in_snapshot(path, who) for path in parquet})
    remains |= _left({str(path): _in_message(path, who) for path in messages})
    remains |= _left({str(path): _in_text(path.read_bytes(), who) for path in texts})
    return Proof(len(tables), len(parquet), len(messages), len(texts), remains)


def _left(found: Mapping[str, str | None]) -> dict[str, str]:
    return {place: what for place, what in found.items() if what is not None}


def _files(folder: Path, pattern: str = "*") -> Iterator[Path]:
    return (path for path in sorted(folder.rglob(pattern)) if path.is_file()) if folder.is_dir() else iter(())


def _in_snapshot(path: Path, who: Identifiers) -> str | None:
    """What is left of them in a snapshot file, or what is wrong with the rows of others in one that has a tombstone."""
    try:
        table = read_table(path)
    except SnapshotError as error:
        return str(error)
    texts = [text for name in table.column_names for text in _likely(table.column(name), who, name)]
    count = sum(who.is_in(text) for text in texts) + sum(map(who.is_in, _said(table.schema.metadata)))
    if count:
        return f"{count} values name them"
    return check(path) if is_marked(path) else None


def _likely(column: Any, who: Identifiers, name: str) -> set[str]:
    """The different texts of a column, of lists their items, that may name the customer; numbers only as their id."""
    values = column.combine_chunks()
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        values = values.flatten()
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return set()
    found = (
        values.filter(pc.match_substring(values, literal, ignore_case=True)).to_pylist() for literal in who.literals
    )
    likely = {str(text) for texts in found for text in texts if text is not None}
    return likely - {who.customer_id} if who.is_number and name != CUSTOMER else likely


def _said(metadata: Mapping[bytes, bytes] | None) -> list[str]:
    return [value.decode(errors="replace") for value in (metadata or {}).values()]


def _in_message(path: Path, who: Identifiers) -> str | None:
    content = path.read_bytes()
    if path.suffix != ".eml":
        return _in_text(content, who)
    if slug(who.customer_id) == who.customer_id and path.name.startswith(f"{who.customer_id}-"):
        return "its name names them"
    return "it names them" if any(map(who.is_in, _told(content))) else None


def _told(content: bytes) -> Iterator[str]:
    """Headers and texts of a mail, decoded."""
    message = message_from_bytes(content, _class=EmailMessage, policy=policy.default)
    for part in message.walk():
        yield "\n".join(str(value) for value in part.values())
        if part.get_content_maintype() == "text":
            yield str(part.get_content())


def _in_text(content: bytes, who: Identifiers) -> str | None:
    count = sum(who.is_in(line) for line in content.decode(errors="replace").splitlines())
    return f"{count} lines name them" if count else None
