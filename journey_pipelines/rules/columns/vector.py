"""A column of JSON values: a kind for each row, and numbers or Python objects behind it."""

import operator
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from functools import cached_property
from itertools import repeat
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from journey_pipelines.rules.coercion import UNDEFINED, Value
from journey_pipelines.rules.columns.plain import are_plain
from journey_pipelines.rules.columns.texts import prefixes_to_numbers, texts_to_numbers
from journey_pipelines.rules.json_values import EXACT_INTEGERS, to_json

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]
Kinds = npt.NDArray[np.int8]
Objects = npt.NDArray[np.object_]
Rows = npt.NDArray[np.intp]


class Kind(IntEnum):
    """The types of ECMAScript that JSON values have."""

    UNDEFINED = 0
    NULL = 1
    BOOLEAN = 2
    NUMBER = 3
    TEXT = 4
    LIST = 5
    OBJECT = 6


NULLISH: Final = frozenset({Kind.UNDEFINED, Kind.NULL})
CONTAINERS: Final = frozenset({Kind.LIST, Kind.OBJECT})
KIND_OF_TYPE: Final = {bool: Kind.BOOLEAN, int: Kind.NUMBER, float: Kind.NUMBER, str: Kind.TEXT, list: Kind.LIST}


def objects(values: Iterable[Any], size: int) -> Objects:
    """An object array of the values as they are; a list is one value, not a row of the array."""
    return np.fromiter(values, dtype=object, count=size)


class Vector:
    """One JSON value for each row. Immutable; what is derived from it is computed once.

    Rows of kind BOOLEAN and NUMBER have their number in `raw_numbers` or their object in `raw_cells`; rows of the
    kinds above have their object in `raw_cells`. Lists and objects of frames (`is_data`) may hold what is no JSON
    value yet, such as NaN for null; `json_cells` has them converted, and computed ones are never converted again.
    """

    def __init__(
        self, kinds: Kinds, numbers: Numbers | None = None, cells: Objects | None = None, *, is_data: bool = False
    ) -> None:
        self.kinds = kinds
        self.raw_numbers = numbers
        self.raw_cells = cells
        self.is_data = is_data

    @staticmethod
    def constant(value: Value, size: int) -> "Vector":
        """The same JSON value in every row, stored once."""
        kind = constant_kind(value)
        number = float(value) if kind in (Kind.BOOLEAN, Kind.NUMBER) else 0.0
        cell = objects([value], 1)
        return Vector(
            np.broadcast_to(np.int8(kind), size),
            np.broadcast_to(np.float64(number), size),
            np.broadcast_to(cell, size),
            is_data=True,
        )

    @staticmethod
    def of_mask(mask: Mask) -> "Vector":
        """Booleans."""
        return Vector(np.broadcast_to(np.int8(Kind.BOOLEAN), len(mask)), mask.astype(np.float64))

    @staticmethod
    def of_numbers(numbers: Numbers) -> "Vector":
        """Numbers, NaN among them."""
        return Vector(np.broadcast_to(np.int8(Kind.NUMBER), len(numbers)), numbers)

    def __len__(self) -> int:
        return len(self.kinds)

    @cached_property
    def present(self) -> frozenset[Kind]:
        """The kinds that occur."""
        if len(self) and self.kinds.strides == (0,):
            return frozenset({Kind(int(self.kinds[0]))})
        counts = np.bincount(self.kinds, minlength=len(Kind)) if len(self) else np.zeros(len(Kind))
        return frozenset(kind for kind in Kind if counts[kind])

    def has(self, *kinds: Kind) -> bool:
        """Whether any row is of one of the kinds."""
        return not self.present.isdisjoint(kinds)

    def is_kind(self, *kinds: Kind) -> Mask:
        """Rows of these kinds."""
        if self.present <= set(kinds):
            return np.ones(len(self), dtype=bool)
        found = np.zeros(len(self), dtype=bool)
        for kind in self.present.intersection(kinds):
            found |= self.kinds == kind
        return found

    @cached_property
    def numbers(self) -> Numbers:
        """ToNumber of each row; NaN stands in for lists and objects."""
        if self.raw_numbers is not None and self.present <= {Kind.NUMBER, Kind.BOOLEAN}:
            return self.raw_numbers
        numbers = self._converted(self.is_kind(Kind.NUMBER, Kind.BOOLEAN), texts_to_numbers)
        numbers[self.is_kind(Kind.NULL)] = 0.0
        return numbers

    @cached_property
    def parsed_numbers(self) -> Numbers:
        """The global parseFloat of each row; NaN stands in for lists and objects."""
        # a number is read from its text, in which minus zero has no sign
        if self.raw_numbers is not None and self.present <= {Kind.NUMBER}:
            return self.raw_numbers + 0.0
        is_number = self.is_kind(Kind.NUMBER)
        numbers = self._converted(is_number, prefixes_to_numbers)
        numbers[is_number] += 0.0
        return numbers

    def _converted(self, is_numeric: Mask, from_texts: Callable[[Objects], Numbers]) -> Numbers:
        """Numbers of the numeric rows and of texts, NaN in all others."""
        numbers = np.full(len(self), np.nan)
        if self.raw_numbers is not None:
            np.copyto(numbers, self.raw_numbers, where=is_numeric)
        elif self.raw_cells is not None:
            numbers[is_numeric] = np.fromiter(map(float, self.raw_cells[is_numeric]), np.float64)
        if self.has(Kind.TEXT):
            is_text = self.is_kind(Kind.TEXT)
            numbers[is_text] = from_texts(self.cells[is_text])
        return numbers

    @cached_property
    def cells(self) -> Objects:
        """The object of each row: UNDEFINED, None, bool, int or float, str, list, dict."""
        if self.raw_cells is not None:
            return self.raw_cells
        assert self.raw_numbers is not None
        made = self.raw_numbers.astype(object)
        if self.has(Kind.BOOLEAN):
            is_boolean = self.is_kind(Kind.BOOLEAN)
            made[is_boolean] = (self.raw_numbers[is_boolean] != 0).astype(object)
        made[self.is_kind(Kind.NULL)] = None
        made[self.is_kind(Kind.UNDEFINED)] = UNDEFINED
        return made

    @cached_property
    def json_cells(self) -> Objects:
        """`cells` with the contents of lists and objects converted to JSON values."""
        if not self.is_data or not self.has(*CONTAINERS):
            return self.cells
        is_container = self.is_kind(*CONTAINERS)
        if are_plain(self.cells[is_container]):
            return self.cells
        made = self.cells.copy()
        made[is_container] = objects(map(to_json, made[is_container]), int(is_container.sum()))
        return made

    @cached_property
    def truth(self) -> Mask:
        """Truthiness of each row."""
        if self.present <= {Kind.BOOLEAN} and self.raw_numbers is not None:
            return np.asarray(self.raw_numbers != 0)
        truth = self.is_kind(Kind.OBJECT)
        if self.has(Kind.BOOLEAN, Kind.NUMBER):
            numbers = self.raw_numbers if self.raw_numbers is not None else self.numbers
            is_nonzero = (numbers != 0) & (numbers == numbers)
            truth |= is_nonzero & self.is_kind(Kind.BOOLEAN, Kind.NUMBER)
        if self.has(Kind.TEXT, Kind.LIST):
            sized = self.is_kind(Kind.TEXT, Kind.LIST)
            truth[sized] = np.fromiter(map(len, self.cells[sized]), np.int64) != 0
        return truth

    @cached_property
    def or_null(self) -> "Vector":
        """The vector with null for UNDEFINED."""
        if not self.has(Kind.UNDEFINED):
            return self
        rows = self.is_kind(Kind.UNDEFINED)
        kinds = np.where(rows, np.int8(Kind.NULL), self.kinds)
        cells = None if self.raw_cells is None else np.where(rows, filled(None, len(self)), self.raw_cells)
        return Vector(kinds, self.raw_numbers, cells, is_data=self.is_data)

    def take(self, rows: Rows | Mask) -> "Vector":
        """The vector of these rows, by position or mask."""
        numbers = None if self.raw_numbers is None else self.raw_numbers[rows]
        cells = None if self.raw_cells is None else self.raw_cells[rows]
        return Vector(self.kinds[rows], numbers, cells, is_data=self.is_data)


def constant_kind(value: Value) -> Kind:
    """The kind of one JSON value."""
    if value is UNDEFINED:
        return Kind.UNDEFINED
    return Kind.NULL if value is None else KIND_OF_TYPE.get(type(value), Kind.OBJECT)


def choose(mask: Mask, then: Vector, otherwise: Vector) -> Vector:
    """`then` where the mask is true, else `otherwise`."""
    if mask.all():
        return then
    if not mask.any():
        return otherwise
    kinds = np.where(mask, then.kinds, otherwise.kinds)
    numbers = None
    if then.raw_numbers is not None and otherwise.raw_numbers is not None:
        numbers = np.where(mask, then.raw_numbers, otherwise.raw_numbers)
    cells = None
    has_objects = then.has(Kind.TEXT, *CONTAINERS) or otherwise.has(Kind.TEXT, *CONTAINERS)
    is_data = then.is_data and otherwise.is_data
    if has_objects or numbers is None:
        one, other = (then.cells, otherwise.cells) if is_data else (then.json_cells, otherwise.json_cells)
        cells = np.where(mask, one, other)
    return Vector(kinds, numbers, cells, is_data=is_data)


def scatter(size: int, parts: Sequence[tuple[Rows, Vector]]) -> Vector:
    """One vector of parts that lie at the given rows and together cover them all."""
    kinds = np.zeros(size, dtype=np.int8)
    cells = np.empty(size, dtype=object)
    numbers = np.zeros(size) if all(part.raw_numbers is not None for _, part in parts) else None
    for rows, part in parts:
        kinds[rows] = part.kinds
        cells[rows] = part.json_cells
        if numbers is not None:
            numbers[rows] = part.raw_numbers
    return Vector(kinds, numbers, cells)


def integers(values: npt.NDArray[Any]) -> Vector:
    """Integers of any width; those beyond 2**53 become the nearest double."""
    numbers = values.astype(np.float64)
    cells = values.astype(object)
    is_inexact = np.abs(numbers) >= EXACT_INTEGERS
    if is_inexact.any():
        cells[is_inexact] = numbers[is_inexact].astype(object)
    return Vector(np.broadcast_to(np.int8(Kind.NUMBER), len(values)), numbers, cells)


def same_objects(left: Objects, right: Objects) -> Mask:
    """Rows where both are the very same object."""
    return np.fromiter(map(operator.is_, left, right), bool, len(left))


def filled(value: Any, size: int) -> Objects:
    """An object array with one object in every row."""
    return objects(repeat(value, size), size)
