"""The order in which a customer goes, so that a second attempt finishes what a first one left undone.

The store comes last, since it knows the customer's executions, by which messages are found. What must not wait comes
first: executions under way end, and suppressed addresses become hashes while the profiles still say whose they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from secrets import token_hex

import pandas as pd

from journey_pipelines.delivery.channels.erasure import Messages, erase_messages, find_messages
from journey_pipelines.engine.erasure import replace_customer, withdraw
from journey_pipelines.engine.ports import JourneyStore, StoreTransaction
from journey_pipelines.erasure.identifiers import Identifiers, addresses_of, identified
from journey_pipelines.erasure.proof import Proof, prove
from journey_pipelines.errors import NotFoundError
from journey_pipelines.snapshots.erasure import erase, files_naming, snapshot_files


@dataclass(frozen=True)
class Places:
    """Where an installation holds personal data."""

    store: JourneyStore
    snapshots: Path
    outbox: Path
    logs: Path


@dataclass(frozen=True)
class Held:
    """What is held of one customer."""

    who: Identifiers
    rows: Mapping[str, int]  # table -> rows
    files: Mapping[Path, int]  # snapshot file -> rows
    messages: Messages
    inside: int  # executions under way


@dataclass(frozen=True)
class Forgotten:
    """What went, and the proof."""

    cancelled: int
    suppressions: int  # addresses that stay suppressed as hashes
    rows: Mapping[str, int]
    files: Mapping[Path, int]
    mails: int
    lines: int
    proof: Proof


def look(places: Places, customer_id: str) -> Held:
    """Count what is held of a customer; changes nothing. Raises NotFoundError where that is nothing at all."""
    with places.store.transaction() as transaction:
        rows = transaction.personal_rows(customer_id)
        executions = transaction.executions_of(customer_id)
        payloads = transaction.read("dispatches", customer_id=customer_id)["payload"]
    files = files_naming(places.snapshots, customer_id)
    messages = _messages(places, customer_id)
    if not (rows or files or messages.mails or messages.lines):
        raise NotFoundError(
            f"nothing is held of a customer {customer_id!r} in the store, the snapshots and the outbox; compare the id "
            "with the warehouse's customer_id, capitals and blanks included"
        )
    who = identified(customer_id, snapshot_files(places.snapshots), addresses_of(payloads))
    return Held(who, rows, files, messages, int(executions["ended_at"].isna().sum()))


def forget(places: Places, held: Held, *, at: datetime) -> Forgotten:
    """Remove what `look` found, and look for it once more.

    Raises JourneysError while a run is under way; then nothing is changed. Whatever else it raises, what is left goes
    when the customer is forgotten again.
    """
    customer_id = held.who.customer_id
    addresses, salt = held.who.suppressible, token_hex(32)
    cancelled, suppressions = places.store.transact(partial(_stop, customer_id, addresses, salt, at))
    # a run may have written since we looked
    messages = _messages(places, customer_id)
    erase_messages(messages)
    files = {path: erase(path, customer_id) for path in files_naming(places.snapshots, customer_id)}
    rows = places.store.transact(partial(_replace, customer_id, token_hex(16), at))
    proof = prove(places.store, held.who, snapshots=places.snapshots, outbox=places.outbox, logs=places.logs)
    return Forgotten(cancelled, suppressions, rows, files, len(messages.mails), messages.line_count, proof)


def _messages(places: Places, customer_id: str) -> Messages:
    with places.store.transaction() as transaction:
        entries = transaction.entries_of(customer_id)
    return find_messages(places.outbox, customer_id, frozenset(entries["execution_id"]))


def _stop(
    customer_id: str, addresses: pd.Index, salt: str, at: datetime, transaction: StoreTransaction
) -> tuple[int, int]:
    cancelled = withdraw(transaction, customer_id, at=at)
    return cancelled, transaction.hash_suppressions(addresses, salt)


def _replace(customer_id: str, erasure_id: str, at: datetime, transaction: StoreTransaction) -> Mapping[str, int]:
    rows = replace_customer(transaction, customer_id, at=at)
    transaction.record_erasure(erasure_id, rows, at=at)
    return rows
