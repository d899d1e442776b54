"""Values that can be neither stored nor sent: found in a column at once, so that each fails its own send only."""

import json
import math
from collections.abc import Sequence
from typing import Any, Final

from journey_pipelines.delivery.bounds import LONGEST_TEXT, MOST_BITS, unsendable

_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=str).encode
ESCAPED_NUL: Final = "\\u0000"


def faults_of(values: Sequence[object]) -> dict[int, str]:
    """What is wrong with the values that must not stand in a payload, by position; most often nothing."""
    by_kind: dict[type, list[int]] = {}
    for kind in set(map(type, values)) & {str, int, float, list, dict}:
        by_kind[kind] = [row for row, value in enumerate(values) if type(value) is kind]
    suspects = [
        row for kind, rows in by_kind.items() if not _are_sendable(kind, [values[row] for row in rows]) for row in rows
    ]
    return {row: fault for row in sorted(suspects) if (fault := fault_of(values[row])) is not None}


def _are_sendable(kind: type, values: Sequence[Any]) -> bool:
    """Whether all values of one type are right, without a step for each; where not, they are looked at one by one."""
    if kind is float:
        return all(map(math.isfinite, values))
    if kind is int:
        return max(map(int.bit_length, values)) <= MOST_BITS
    try:
        texts = values if kind is str else list(map(_encode, values))
    except (ValueError, RecursionError):
        return False
    together = "".join(texts)
    return max(map(len, texts)) <= LONGEST_TEXT and unsendable(together) is None and ESCAPED_NUL not in together


def fault_of(value: object) -> str | None:
    """Why a value must not stand in a payload; None where it may."""
    if isinstance(value, float):
        return None if math.isfinite(value) else "is not a finite number"
    if isinstance(value, int):
        return None if value.bit_length() <= MOST_BITS else f"has more than {MOST_BITS} bits"
    try:
        text = value if isinstance(value, str) else _encode(value)
    except (ValueError, RecursionError):
        return "holds a number that is not finite or too long, or is nested too deeply"
    if len(text) > LONGEST_TEXT:
        return f"has more than {LONGEST_TEXT:,} characters"
    is_escaped = not isinstance(value, str) and ESCAPED_NUL in text
    return "holds a NUL character" if is_escaped else unsendable(text)
