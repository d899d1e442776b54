"""Masks over blocks of rows: what a rule's conditions are lowered to where its columns allow.

A term is called with a slice of rows and gives a mask of its own, which the caller may change. No term raises: what
may raise is left to the general evaluator, for rows that are still undecided only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from journey_pipelines.rules.columns.amounts import Amount
from journey_pipelines.rules.columns.typed import Coded, Lists, Moments, Numeric, is_missing
from journey_pipelines.rules.columns.vector import Mask, Rows
from journey_pipelines.rules.syntax import Identities, Node

FEW_CODES: Final = 6  # comparisons with so many codes cost less than looking each row's code up


class Term(Protocol):
    """Truthiness of a condition in a block of rows."""

    def __call__(self, rows: slice) -> Mask:
        """One bool for each row of the slice."""


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """How a rule is evaluated over one frame: its term, if any, and what became of each node."""

    term: Term | None
    paths: dict[Node, str]


@dataclass(frozen=True, eq=False, slots=True)
class Always:
    """The same in every row."""

    holds: bool

    def __call__(self, rows: slice) -> Mask:
        """All or none."""
        return np.full(rows.stop - rows.start, self.holds)


@dataclass(frozen=True, eq=False, slots=True)
class Compared:
    """A column compared with a constant; null folded into the comparison."""

    values: npt.NDArray[Any]
    compare: Any  # a ufunc
    constant: float | np.datetime64
    is_negated: bool

    def __call__(self, rows: slice) -> Mask:
        """`col OP c`, or `~(col NEG c)` where a missing cell must hold."""
        found: Mask = self.compare(self.values[rows], self.constant)
        return np.logical_not(found, out=found) if self.is_negated else found


@dataclass(frozen=True, eq=False, slots=True)
class Patched:
    """A term whose answer for missing cells is another one."""

    term: Term
    column: Numeric | Moments
    holds: bool

    def __call__(self, rows: slice) -> Mask:
        """The term, with its missing rows set."""
        found = self.term(rows)
        found[is_missing(self.column, rows)] = self.holds
        return found


@dataclass(frozen=True, eq=False, slots=True)
class Empty:
    """A column's missing cells."""

    column: Numeric | Moments

    def __call__(self, rows: slice) -> Mask:
        """Missing rows."""
        return is_missing(self.column, rows)


@dataclass(frozen=True, eq=False, slots=True)
class Nonzero:
    """Truthiness of numbers."""

    amount: Amount

    def __call__(self, rows: slice) -> Mask:
        """Neither zero nor NaN."""
        numbers = np.asarray(self.amount(rows))
        found = np.not_equal(numbers, 0.0)
        if numbers.dtype.kind == "f":
            found &= numbers == numbers
        return _spread(found, rows)


@dataclass(frozen=True, eq=False, slots=True)
class Related:
    """Two amounts compared."""

    compare: Any  # a ufunc
    left: Amount
    right: Amount

    def __call__(self, rows: slice) -> Mask:
        """The comparison of doubles."""
        return _spread(self.compare(self.left(rows), self.right(rows)), rows)


def _spread(found: Any, rows: slice) -> Mask:
    size = rows.stop - rows.start
    return np.full(size, bool(found)) if np.ndim(found) == 0 else np.asarray(found)


class Looked:
    """The truth of each row's code, found once for each distinct value."""

    def __init__(self, column: Coded, table: Mask) -> None:
        self._codes = column.codes
        self._table = table
        wanted = np.flatnonzero(table)
        unwanted = np.flatnonzero(~table)
        self._is_negated = len(unwanted) < len(wanted)
        few = unwanted if self._is_negated else wanted
        last = len(table) - 1
        self._few = [-1 if code == last else int(code) for code in few] if len(few) <= FEW_CODES else None

    def __call__(self, rows: slice) -> Mask:
        """Comparisons with few codes, else a look at the table."""
        codes = self._codes[rows]
        if self._few is None:
            return np.asarray(self._table.take(codes, mode="wrap"))
        found = codes == self._few[0] if self._few else np.zeros(len(codes), dtype=bool)
        for code in self._few[1:]:
            found |= codes == code
        return np.logical_not(found, out=found) if self._is_negated else found


class Once:
    """A term that several rules share, evaluated once for each block."""

    def __init__(self, term: Term) -> None:
        self.uses = 1
        self._term = term
        self._known: tuple[slice, Mask] | None = None

    def __call__(self, rows: slice) -> Mask:
        """The term's mask, or a copy of it where this block was asked for before."""
        if self.uses == 1:
            return self._term(rows)
        if self._known is None or self._known[0] != rows:
            self._known = rows, self._term(rows)
        return self._known[1].copy()


class Shared:
    """Terms that several rules have in common, by the numbers of their nodes."""

    def __init__(self) -> None:
        self.identities = Identities()
        self.terms: dict[int, Once] = {}


@dataclass(frozen=True, eq=False, slots=True)
class Negated:
    """`!`."""

    term: Term

    def __call__(self, rows: slice) -> Mask:
        """The other rows."""
        found = self.term(rows)
        return np.logical_not(found, out=found)


@dataclass(frozen=True, eq=False, slots=True)
class General:
    """What only the general evaluator covers."""

    evaluate: Callable[[Rows], Mask]

    def __call__(self, rows: slice) -> Mask:
        """All rows of the block."""
        return self.evaluate(np.arange(rows.start, rows.stop))


@dataclass(frozen=True, eq=False, slots=True)
class Connected:
    """`and` and `or`; general terms see only the rows that no earlier one decided."""

    terms: Sequence[Term]
    is_and: bool

    def __call__(self, rows: slice) -> Mask:
        """The connection, in the order of the rule."""
        connect = np.logical_and if self.is_and else np.logical_or
        found = self.terms[0](rows)
        for term in self.terms[1:]:
            if isinstance(term, General):
                undecided = np.flatnonzero(found if self.is_and else ~found)
                if len(undecided):
                    found[undecided] = term.evaluate(undecided + rows.start)
            else:
                connect(found, term(rows), out=found)
        return found


@dataclass(frozen=True, eq=False, slots=True)
class Chosen:
    """`if` of conditions."""

    condition: Term
    then: Term
    otherwise: Term

    def __call__(self, rows: slice) -> Mask:
        """Each row by its branch."""
        return np.where(self.condition(rows), self.then(rows), self.otherwise(rows))


@dataclass(frozen=True, eq=False, slots=True)
class AnyElement:
    """Rows of which any element is in the body's mask."""

    lists: Lists
    body: Term

    def __call__(self, rows: slice) -> Mask:
        """A running count of elements that hold, and whether it grows within the row."""
        offsets = self.lists.offsets[rows.start : rows.stop + 1]
        first = int(offsets[0])
        found = self.body(slice(first, int(offsets[-1])))
        counts = np.zeros(len(found) + 1, dtype=np.int32)
        np.cumsum(found, dtype=np.int32, out=counts[1:])
        at = counts.take(offsets - first if first else offsets)
        return np.greater(at[1:], at[:-1])


@dataclass(frozen=True, eq=False, slots=True)
class HasElements:
    """Rows whose list is not empty."""

    lists: Lists

    def __call__(self, rows: slice) -> Mask:
        """Offsets that grow."""
        offsets = self.lists.offsets[rows.start : rows.stop + 1]
        return np.greater(offsets[1:], offsets[:-1])


@dataclass(frozen=True, eq=False, slots=True)
class MoreThan:
    """Rows where more than so many of the terms hold."""

    terms: Sequence[Term]
    most: int

    def __call__(self, rows: slice) -> Mask:
        """A count of the terms that hold."""
        count = np.zeros(rows.stop - rows.start, dtype=np.int8)
        for term in self.terms:
            count += term(rows)
        return np.greater(count, self.most)
