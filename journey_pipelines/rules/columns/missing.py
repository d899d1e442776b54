"""`missing` and `missing_some` over vectors, where their keys are texts known beforehand."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from journey_pipelines.rules.columns.bound import Scope
from journey_pipelines.rules.columns.relations import ordered
from journey_pipelines.rules.columns.vector import Kind, Mask, Vector, integers, objects
from journey_pipelines.rules.syntax import NOT_CONSTANT, Array, Node, Operation, constant

MOST_KEYS: Final = 62  # as many as an integer has bits to say which are missing


def find_keys(node: Operation) -> tuple[list[str], Node | None] | None:
    """The keys and, for `missing_some`, the node of how many are needed; None where keys are computed or no texts."""
    if node.operator == "missing_some":
        if len(node.arguments) != 2 or not isinstance(node.arguments[1], Array):
            return None
        keys, needed = constant(node.arguments[1]), node.arguments[0]
    else:
        keys, needed = constant(Array(node.arguments)), None
        if keys is not NOT_CONSTANT and keys and type(keys[0]) is list:
            keys = keys[0]
    if keys is NOT_CONSTANT or len(keys) > MOST_KEYS or not all(type(key) is str for key in keys):
        return None
    return keys, needed


@dataclass(frozen=True)
class MissingKeys:
    """Which keys are missing in each row: a bit for each key, none where enough are there."""

    keys: list[str]
    bits: npt.NDArray[np.int64]

    @staticmethod
    def look(keys: list[str], scope: Scope, needed: Vector | None) -> "MissingKeys":
        """Look for each key; with `needed`, rows that have as many keys miss none."""
        bits = np.zeros(scope.size, dtype=np.int64)
        count = np.zeros(scope.size, dtype=np.int64)
        for position, key in enumerate(keys):
            is_missing = _is_missing(key, scope)
            bits |= is_missing.astype(np.int64) << position
            count += is_missing
        if needed is not None:
            bits[ordered(">=", integers(len(keys) - count), needed)] = 0
        return MissingKeys(keys, bits)

    @property
    def any(self) -> Mask:
        """Rows where any key is missing."""
        return np.asarray(self.bits != 0)

    def lists(self) -> Vector:
        """The missing keys of each row, in their order; a list of its own for each row."""
        codes, inverse = np.unique(self.bits, return_inverse=True)
        named = [[key for bit, key in enumerate(self.keys) if code >> bit & 1] for code in codes.tolist()]
        cells = objects(map(list, objects(named, len(named))[inverse]), len(inverse))
        return Vector(np.broadcast_to(np.int8(Kind.LIST), len(cells)), None, cells, is_data=True)


def _is_missing(key: str, scope: Scope) -> Mask:
    if not key:
        return scope.whole().is_kind(Kind.NULL)
    vector = scope.read(key)
    missing = vector.is_kind(Kind.UNDEFINED, Kind.NULL)
    if vector.has(Kind.TEXT):
        rows = vector.is_kind(Kind.TEXT)
        missing[rows] = vector.cells[rows] == ""
    return missing
