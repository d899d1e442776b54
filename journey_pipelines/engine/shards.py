"""Shards: which part of all customers one belongs to, by a hash of the id; the same for ever and on every machine.

Belongs here: the hash, and ranges of shards. Snapshot files and the store's rows lie in this order, so that a range of
shards is a few neighbouring pieces of each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

SHARDS: Final = 1024  # never changes: files and rows are laid out by it
_SHARD_BITS: Final = 10
_SEQUENCE_BITS: Final = 48


@dataclass(frozen=True)
class Shards:
    """The shards from `first` up to, but not including, `end`; all by default."""

    first: int = 0
    end: int = SHARDS

    def __post_init__(self) -> None:
        """Raises ValueError for a range that is empty or not within all shards."""
        if not 0 <= self.first < self.end <= SHARDS:
            raise ValueError(f"shards {self.first} to {self.end} are no range within 0 to {SHARDS}")

    def __len__(self) -> int:
        return self.end - self.first

    def __str__(self) -> str:
        return f"{self.first}-{self.end}"

    @property
    def numbers(self) -> tuple[int, int]:
        """Between which numbers (both exclusive) the entries of these shards lie."""
        return self.first << _SEQUENCE_BITS, self.end << _SEQUENCE_BITS

    def split(self, parts: int) -> Iterator["Shards"]:
        """So many ranges of (nearly) one size that cover this one; fewer where it has fewer shards."""
        parts = min(parts, len(self))
        edges = [self.first + len(self) * part // parts for part in range(parts + 1)]
        return (Shards(first, end) for first, end in pairwise(edges))

    def mask(self, customer_ids: Any) -> npt.NDArray[np.bool_]:
        """Which of these customers belong here."""
        if len(self) == SHARDS:
            return np.ones(len(customer_ids), dtype=bool)
        numbers = shard_of(customer_ids)
        return np.asarray((numbers >= self.first) & (numbers < self.end))


ALL: Final = Shards()


def shard_of(customer_ids: Any) -> npt.NDArray[np.int64]:
    """The shard of each customer id (text): the leading bits of pandas' hash, which has a fixed key."""
    texts = pd.array(customer_ids, dtype="str")
    hashes = np.asarray(pd.util.hash_array(texts, categorize=False), dtype=np.uint64)
    return (hashes >> np.uint64(64 - _SHARD_BITS)).astype(np.int64)


def numbers_of(customer_ids: Any, sequence: Any) -> npt.NDArray[np.int64]:
    """Numbers of entries: the shard of each customer, then `sequence`, the order of entry from 1."""
    numbers: npt.NDArray[np.int64] = (shard_of(customer_ids) << _SEQUENCE_BITS) + np.asarray(sequence, dtype=np.int64)
    return numbers
