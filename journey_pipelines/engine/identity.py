"""Names and chances that depend on nothing but who and where: the same live, on a retry and in a replay."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

_SEPARATOR = "\x1f"


def execution_ids(journey_key: str, customer_ids: Sequence[str], entry_numbers: Sequence[int]) -> list[str]:
    """One id for each entry, written as a UUID: a hash of (journey, customer, entry number)."""
    heads = [
        blake2b(f"{journey_key}{_SEPARATOR}{customer}{_SEPARATOR}{number}".encode(), digest_size=16).hexdigest()
        for customer, number in zip(customer_ids, entry_numbers, strict=True)
    ]
    return [f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}" for h in heads]


def dispatch_keys(execution_ids: pd.Series, node_id: str, visits: np.ndarray) -> Any:
    """The key of each action visit, a TEXT column: execution, node, visit."""
    executions = pa.array(execution_ids.array, type=pa.large_string())
    numbers = pa.array(visits).cast(pa.large_string())
    node, colon = pa.scalar(node_id, pa.large_string()), pa.scalar(":", pa.large_string())
    keys = pa.compute.binary_join_element_wise(executions, node, numbers, colon)
    return pd.array(keys if isinstance(keys, pa.ChunkedArray) else pa.chunked_array([keys]), dtype="str")


def chances(journey_key: str, node_id: str, customer_ids: pd.Series) -> np.ndarray:
    """A number in [0, 1) for each customer: a hash of (journey key, node, customer)."""
    prefix = f"{journey_key}{_SEPARATOR}{node_id}{_SEPARATOR}"
    digests = b"".join([blake2b((prefix + c).encode(), digest_size=8).digest() for c in customer_ids])
    # 53 bits, so that the division is exact and never reaches 1
    numbers: np.ndarray = np.frombuffer(digests, dtype=">u8") >> np.uint64(11)
    return numbers / float(1 << 53)
