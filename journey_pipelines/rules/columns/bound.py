"""A frame whose columns are read by dotted names and turned into vectors once."""

from dataclasses import dataclass
from functools import reduce
from itertools import repeat
from typing import Final, Literal, Protocol

import numpy as np
import pandas as pd

from journey_pipelines.rules.coercion import UNDEFINED
from journey_pipelines.rules.columns.intake import from_objects, from_series
from journey_pipelines.rules.columns.layouts import readable
from journey_pipelines.rules.columns.steps import step
from journey_pipelines.rules.columns.terms import Plan
from journey_pipelines.rules.columns.typed import Typed, from_vector, typed_field, typed_series
from journey_pipelines.rules.columns.vector import Kind, Objects, Rows, Vector, choose, objects
from journey_pipelines.rules.faults import RuleEvaluationError
from journey_pipelines.rules.json_values import key_text
from journey_pipelines.rules.reads import Reads
from journey_pipelines.rules.syntax import Node

Missing = Literal["absent", "null"]
NULL_KINDS: Final = {"absent": Kind.UNDEFINED, "null": Kind.NULL}


def known_policy(missing: Missing) -> Missing:
    """The policy for missing cells. Raises RuleEvaluationError for what is none."""
    if missing not in NULL_KINDS:
        known = " and ".join(map(repr, NULL_KINDS))
        raise RuleEvaluationError(f"missing={missing!r} is not known; known are {known}")
    return missing


@dataclass(frozen=True)
class Whole:
    """The whole document, which no path names."""


@dataclass(frozen=True)
class Uncovered:
    """The cells of exactly the column of this name, without what longer names lay over it."""

    name: str


class BoundFrame:
    """A frame with caches of its columns, for any number of rules. The frame must not change meanwhile."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.index = frame.index
        self.size = len(frame)
        self._frame = frame
        self._positions: dict[str, int] = {}
        self._most_segments = 0
        self._below: dict[str, dict[str, None]] = {}  # prefix -> next segments of the columns that begin with it
        self._vectors: dict[tuple[str | Whole | Uncovered, Missing], Vector] = {}
        self._typed: dict[tuple[str, Missing], Typed | None] = {}
        self.plans: dict[tuple[Node, Missing], Plan] = {}
        for position, label in enumerate(frame.columns):
            self._add(key_text(label), position)

    def _add(self, name: str, position: int) -> None:
        if name in self._positions:
            raise RuleEvaluationError(f"the frame has two columns named {name!r}; rename or drop one of them")
        self._positions[name] = position
        segments = name.split(".")
        self._most_segments = max(self._most_segments, len(segments))
        for cut in range(1, len(segments)):
            self._below.setdefault(".".join(segments[:cut]), {})[segments[cut]] = None

    @property
    def names(self) -> frozenset[str]:
        """First segments of the names of all columns."""
        return frozenset(name.split(".", 1)[0] for name in self._positions)

    def read(self, path: str, missing: Missing) -> Vector:
        """The value behind a dotted name in each row; UNDEFINED where there is none.

        The longest column whose name begins the path is descended into. Columns whose names go on after the path make
        an object of it, laid over the column of the path itself; where all of them are UNDEFINED, it is that column's.
        """
        key = path, missing
        if key not in self._vectors:
            self._vectors[key] = self._overlaid(path, missing) if path in self._below else self._longest(path, missing)
        return self._vectors[key]

    def whole(self, missing: Missing) -> Vector:
        """One nested object of all columns for each row, the same object whenever it is read."""
        key = Whole(), missing
        if key not in self._vectors:
            names = sorted(self.names)
            made = assemble(names, [self.read(name, missing) for name in names], self.size)
            self._vectors[key] = from_objects(made, is_data=False)
        return self._vectors[key]

    def typed(self, path: str, missing: Missing) -> Typed | None:
        """The column behind a dotted name in the form that array code wants; None where it has none."""
        key = path, missing
        if key not in self._typed:
            self._typed[key] = self._in_form(path, missing)
        return self._typed[key]

    def _in_form(self, path: str, missing: Missing) -> Typed | None:
        if path in self._below:
            return None
        try:
            if path in self._positions:
                return typed_series(self._series(path), null=NULL_KINDS[missing])
            return self._arrow_field(path) or from_vector(self.read(path, missing))
        except RuleEvaluationError:
            return None  # whoever evaluates the cells hears of it

    def _arrow_field(self, path: str) -> Typed | None:
        segments = path.split(".")
        cuts = range(min(len(segments) - 1, self._most_segments), 0, -1)
        names = {".".join(segments[:cut]): segments[cut:] for cut in cuts}
        longest = next((name for name in names if name in self._positions), None)
        if longest is None:
            return None
        return typed_field(self._series(longest), names[longest])

    def _series(self, name: str) -> pd.Series:
        return readable(self._frame.iloc[:, self._positions[name]])

    def _longest(self, path: str, missing: Missing) -> Vector:
        segments = path.split(".")
        for cut in range(min(len(segments), self._most_segments), 0, -1):
            name = ".".join(segments[:cut])
            if name not in self._positions:
                continue
            if cut < len(segments):
                return reduce(step, segments[cut:], self._column(name, missing))
            return from_series(self._series(name), null=NULL_KINDS[missing])
        return Vector.constant(UNDEFINED, self.size)

    def _column(self, name: str, missing: Missing) -> Vector:
        """The cells of exactly this column."""
        key = Uncovered(name), missing
        if name not in self._below:
            return self.read(name, missing)
        if key not in self._vectors:
            self._vectors[key] = self._uncovered(name, missing)
        return self._vectors[key]

    def _uncovered(self, name: str, missing: Missing) -> Vector:
        """The cells of this column, UNDEFINED where columns of longer names make an object of what was none."""
        own = from_series(self._series(name), null=NULL_KINDS[missing])
        longer = [other for other in self._positions if other.startswith(f"{name}.")]
        cells = [from_series(self._series(other), null=NULL_KINDS[missing]) for other in longer]
        is_covered = np.logical_or.reduce([~part.is_kind(Kind.UNDEFINED) for part in cells])
        return choose(is_covered & ~own.is_kind(Kind.OBJECT), Vector.constant(UNDEFINED, self.size), own)

    def _overlaid(self, path: str, missing: Missing) -> Vector:
        base = self._longest(path, missing)
        names = list(self._below[path])
        parts = [self.read(f"{path}.{name}", missing) for name in names]
        made = assemble(names, parts, self.size)
        is_object = base.is_kind(Kind.OBJECT)
        if is_object.any():
            made[is_object] = _laid_over(base.json_cells[is_object], made[is_object], frozenset(names))
        is_present = np.logical_or.reduce([is_object, *(~part.is_kind(Kind.UNDEFINED) for part in parts)])
        made[~is_present] = base.json_cells[~is_present]
        return from_objects(made, is_data=True)


def assemble(names: list[str], parts: list[Vector], size: int) -> Objects:
    """One object for each row, with those of the names that are not UNDEFINED there."""
    pattern = np.zeros(size, dtype=np.int64)
    for part in parts:
        if part.has(Kind.UNDEFINED):
            pattern, _ = pd.factorize(pattern * 2 + part.is_kind(Kind.UNDEFINED))
    made = np.empty(size, dtype=object)
    order = np.argsort(pattern, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(pattern[order])) + 1):
        if len(rows):
            made[rows] = _zipped(names, [part.take(rows) for part in parts], len(rows))
    return made


def _laid_over(bases: Objects, tops: Objects, names: frozenset[str]) -> Objects:
    """Objects of a column with what columns of longer names say of these names, even that they are missing."""
    pairs = zip(bases, tops, strict=True)
    merged = [{name: base[name] for name in base if name not in names} | top for base, top in pairs]
    return objects(merged, len(merged))


def _zipped(names: list[str], parts: list[Vector], size: int) -> Objects:
    """Objects of rows that all have the same names."""
    here = [(name, part.json_cells) for name, part in zip(names, parts, strict=True) if not part.has(Kind.UNDEFINED)]
    if not here:
        return objects(map(dict, repeat((), size)), size)
    rows = zip(*[cells for _, cells in here], strict=True)
    return objects(map(dict, map(zip, repeat([name for name, _ in here]), rows)), size)


class Scope(Protocol):
    """What `var` sees: the rows of a frame, or the elements of their lists."""

    @property
    def size(self) -> int:
        """How many rows or elements there are."""

    def read(self, path: str) -> Vector:
        """The value behind a dotted name; UNDEFINED where there is none."""

    def whole(self) -> Vector:
        """`var` of nothing: the document itself."""

    def documents(self, reads: Reads) -> Objects:
        """The whole documents, or as much of them as is read."""

    def take(self, rows: Rows) -> "Scope":
        """The scope of some of the rows, by position."""


class FrameScope:
    """The rows of a bound frame, or some of them."""

    def __init__(self, bound: BoundFrame, missing: Missing, rows: Rows | None = None) -> None:
        self.size = bound.size if rows is None else len(rows)
        self._bound = bound
        self._missing: Missing = missing
        self._rows = rows

    def read(self, path: str) -> Vector:
        """The columns behind a dotted name."""
        vector = self._bound.read(path, self._missing)
        return vector if self._rows is None else vector.take(self._rows)

    def whole(self) -> Vector:
        """One nested object for each row."""
        vector = self._bound.whole(self._missing)
        return vector if self._rows is None else vector.take(self._rows)

    def documents(self, reads: Reads) -> Objects:
        """One nested object for each row."""
        if reads.everything:
            return self.whole().cells
        names = sorted(self._bound.names & reads.columns)
        return assemble(names, [self.read(name) for name in names], self.size)

    def take(self, rows: Rows) -> "FrameScope":
        """These rows only."""
        return FrameScope(self._bound, self._missing, rows if self._rows is None else self._rows[rows])


class ElementScope:
    """The elements of lists, as the body of a list operator sees them."""

    def __init__(self, elements: Vector) -> None:
        self.size = len(elements)
        self._elements = elements

    def read(self, path: str) -> Vector:
        """What lies at a dotted name inside each element."""
        return reduce(step, path.split("."), self._elements)

    def whole(self) -> Vector:
        """The elements."""
        return self._elements

    def documents(self, reads: Reads) -> Objects:  # noqa: ARG002 - elements are read whole
        """The elements."""
        return self._elements.json_cells

    def take(self, rows: Rows) -> "ElementScope":
        """These elements only."""
        return ElementScope(self._elements.take(rows))
