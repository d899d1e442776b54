"""What names one customer: the id, and the addresses that nobody else has."""

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from journey_pipelines.delivery.addresses import plain_addresses
from journey_pipelines.snapshots.file_snapshot import CUSTOMER

ADDRESSES: Final = ("email", "phone", "device_tokens")
LEAST_LETTERS: Final = 4  # of an address; anything shorter is no address and would be found everywhere


@dataclass(frozen=True)
class Identifiers:
    """An id, and addresses as they are written; those of others too are suppressed, and not looked for."""

    customer_id: str
    addresses: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()

    @property
    def suppressible(self) -> pd.Index:
        """Every address as it is written and as suppression lists write it."""
        given = pd.Series(sorted(self.addresses | self.shared), dtype="str")
        return pd.Index(given).union(pd.Index(plain_addresses(given)))

    @property
    def is_number(self) -> bool:
        """Whether the id consists of digits alone."""
        return self.customer_id.isdigit()

    @property
    def literals(self) -> frozenset[str]:
        """Texts of which one is in whatever names the customer, capitals aside."""
        plain = set(plain_addresses(pd.Series(sorted(self.addresses), dtype="str")))
        return frozenset(_spellings({self.customer_id} | self.addresses | plain))

    @property
    def id_pattern(self) -> str:
        """A regular expression, for Python and Postgres alike, that finds the id as a word or a whole value.

        An id of digits alone counts as a whole value, and in JSON as that of `customer_id`: numbers are everywhere.
        """
        either = _either({self.customer_id})
        if self.is_number:
            return f'^{either}$|"customer_id": ?"{either}"'
        return rf"(?<![\w@.+-]){either}(?![\w@+-]|\.\w)"

    @property
    def address_pattern(self) -> str | None:
        """The same for the addresses that are nobody else's; None where there are none."""
        plain = set(plain_addresses(pd.Series(sorted(self.addresses), dtype="str")))
        return rf"(?<![\w]){_either(self.addresses | plain)}(?![\w])" if self.addresses else None

    def is_in(self, text: str) -> bool:
        """Whether the text names the customer."""
        pattern = self.address_pattern
        if re.search(self.id_pattern, text):
            return True
        return pattern is not None and re.search(pattern, text, re.IGNORECASE) is not None


def identified(customer_id: str, files: Iterable[Path], written_to: frozenset[str]) -> Identifiers:
    """What names a customer, from all snapshot files and from where messages went."""
    tables = [table for table in map(_address_table, files) if table is not None]
    is_own = [pc.equal(table.column(CUSTOMER).cast(pa.large_string()), customer_id) for table in tables]
    given = [_texts(table.filter(own)) for table, own in zip(tables, is_own, strict=True)]
    addresses = written_to.union(*given)
    others = [_texts(table.filter(pc.invert(own)), addresses) for table, own in zip(tables, is_own, strict=True)]
    shared = frozenset().union(*others)
    return Identifiers(customer_id, addresses - shared, shared)


def addresses_of(payloads: Iterable[Any]) -> frozenset[str]:
    """Where messages went: one address or several as `to` of each payload."""
    given = [payload.get("to") for payload in payloads if isinstance(payload, dict)]
    flat = [address for to in given for address in (to if isinstance(to, list) else [to])]
    return frozenset(text for text in flat if isinstance(text, str) and len(text) >= LEAST_LETTERS)


def _address_table(path: Path) -> Any:
    """Customers and addresses of a snapshot file; None for one that has no address."""
    names = [name for name in ADDRESSES if name in (schema := pq.read_schema(path)).names]
    if CUSTOMER not in schema.names or not names:
        return None
    return pq.read_table(path, columns=[CUSTOMER, *names], partitioning=None)


def _texts(table: Any, wanted: frozenset[str] | None = None) -> frozenset[str]:
    """Everything in the other columns that may be an address, of lists their items; of those that are wanted."""
    cells: set[str] = set()
    for name in table.column_names[1:]:
        column = table.column(name).combine_chunks()
        values = column.flatten() if pa.types.is_list(column.type) or pa.types.is_large_list(column.type) else column
        texts = values.cast(pa.large_string()).drop_null().unique()
        if wanted is not None:
            texts = texts.filter(pc.is_in(pc.utf8_trim_whitespace(texts), pa.array(sorted(wanted), pa.large_string())))
        cells |= {str(value).strip() for value in texts.to_pylist()}
    return frozenset(cell for cell in cells if len(cell) >= LEAST_LETTERS)


def _spellings(texts: Collection[str]) -> set[str]:
    """The texts as they are and as JSON escapes them."""
    return {json.dumps(text, ensure_ascii=False)[1:-1] for text in texts} | set(texts)


def _either(texts: Collection[str]) -> str:
    """One of the texts, as it is or as JSON escapes it."""
    return f"(?:{'|'.join(re.escape(text) for text in sorted(_spellings(texts)))})"
