"""Arithmetic of vectors of which no row is a list or an object, as `operators` has it for values."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Final

import numpy as np

from journey_pipelines.rules.columns.vector import Kind, Numbers, Vector


def add(vectors: Sequence[Vector]) -> Numbers:
    """Sum of what parseFloat reads."""
    return reduce(np.add, [vector.parsed_numbers for vector in vectors], np.zeros(len(vectors[0])))


def multiply(vectors: Sequence[Vector]) -> Numbers:
    """Product of what parseFloat reads, of two vectors or more."""
    product = vectors[0].parsed_numbers * vectors[1].parsed_numbers
    for vector in vectors[2:]:
        # an intermediate minus zero is read back from its text, which has no sign
        product = (product + 0.0) * vector.parsed_numbers
    return product


def subtract(vectors: Sequence[Vector]) -> Numbers:
    """Difference of the first two, or the negative of the first where the second is undefined."""
    first, second = _two(vectors)
    if second is None:
        return -first.numbers
    difference = first.numbers - second.numbers
    if second.has(Kind.UNDEFINED):
        return np.where(second.is_kind(Kind.UNDEFINED), -first.numbers, difference)
    return difference


def divide(vectors: Sequence[Vector]) -> Numbers:
    """Quotient of the first two."""
    first, second = _two(vectors)
    return np.full(len(first), np.nan) if second is None else first.numbers / second.numbers


def remainder(vectors: Sequence[Vector]) -> Numbers:
    """Remainder of the first two, with the dividend's sign."""
    first, second = _two(vectors)
    return np.full(len(first), np.nan) if second is None else np.fmod(first.numbers, second.numbers)


def _two(vectors: Sequence[Vector]) -> tuple[Vector, Vector | None]:
    return vectors[0], vectors[1] if len(vectors) > 1 else None


def largest(vectors: Sequence[Vector]) -> Numbers:
    """Math.max of each row."""
    return reduce(_larger, [vector.numbers for vector in vectors])


def smallest(vectors: Sequence[Vector]) -> Numbers:
    """Math.min of each row."""
    return -reduce(_larger, [-vector.numbers for vector in vectors])


def _larger(one: Numbers, other: Numbers) -> Numbers:
    found = np.maximum(one, other)
    # zero is greater than minus zero; their sum has the right sign
    return np.where((one == 0) & (other == 0), one + other, found)


KERNELS: Final[dict[str, Callable[[Sequence[Vector]], Numbers]]] = {
    "+": add,
    "*": multiply,
    "-": subtract,
    "/": divide,
    "%": remainder,
    "max": largest,
    "min": smallest,
}
FEWEST_ARGUMENTS: Final = {"*": 2}
