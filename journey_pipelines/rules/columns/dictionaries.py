"""Columns of Arrow texts as codes of their distinct values, encoded by Arrow in several threads at once."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from journey_pipelines.rules.columns.vector import Objects, objects

FEWEST_ROWS: Final = 1 << 16  # that are worth a thread


def encode(texts: Any) -> tuple[npt.NDArray[np.signedinteger[Any]], Objects]:
    """The code of each text of an Arrow array, -1 for null, and the distinct texts in the order of their codes."""
    parts = _parts(texts)
    if len(parts) == 1:
        chunks = [texts.dictionary_encode()]
    else:
        with ThreadPoolExecutor(len(parts)) as threads:
            encoded = list(threads.map(_dictionary_encode, parts))
        chunks = pa.chunked_array(encoded).unify_dictionaries().chunks
    distinct = chunks[0].dictionary
    codes = np.empty(len(texts), dtype=np.min_scalar_type(-1 - len(distinct)))
    start = 0
    for chunk in chunks:
        indices = chunk.indices.fill_null(-1) if chunk.null_count else chunk.indices
        codes[start : start + len(chunk)] = indices.to_numpy()
        start += len(chunk)
    return codes, objects(distinct.to_pylist(), len(distinct))


def _parts(texts: Any) -> list[Any]:
    """Slices of the array, one for each thread that Arrow may use."""
    count = max(1, min(pa.cpu_count(), len(texts) // FEWEST_ROWS))
    cuts = np.linspace(0, len(texts), count + 1).astype(int).tolist()
    return [texts.slice(start, end - start) for start, end in itertools.pairwise(cuts)]


def _dictionary_encode(texts: Any) -> Any:
    return texts.dictionary_encode()
