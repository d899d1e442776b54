"""Numbers over blocks of rows: what arithmetic inside conditions is lowered to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, Protocol

import numpy as np

from journey_pipelines.rules.columns.typed import Numeric
from journey_pipelines.rules.columns.vector import Numbers


class Amount(Protocol):
    """A number for each row of a block, NaN where the value is none; or one number for all rows."""

    def __call__(self, rows: slice) -> Numbers | float:
        """The numbers of the slice's rows."""


@dataclass(frozen=True, eq=False, slots=True)
class Constant:
    """One number."""

    number: float

    def __call__(self, rows: slice) -> float:  # noqa: ARG002 - it is the same in all rows
        """The number."""
        return self.number


@dataclass(frozen=True, eq=False, slots=True)
class Filled:
    """A column's numbers, a missing cell's number in its place."""

    column: Numeric
    missing: float

    def __call__(self, rows: slice) -> Numbers:
        """Doubles."""
        if self.missing == 0:
            return self.column.zero_filled[rows]
        values = self.column.values[rows]
        if not self.column.has_missing:
            return values.astype(np.float64)
        return values if self.missing != self.missing else np.where(values == values, values, self.missing)


@dataclass(frozen=True, eq=False, slots=True)
class Computed:
    """Arithmetic of amounts."""

    operate: Callable[..., Any]
    amounts: Sequence[Amount]

    def __call__(self, rows: slice) -> Numbers | float:
        """Doubles, NaN and infinities among them."""
        result: Numbers | float = self.operate(*[amount(rows) for amount in self.amounts])
        return result


def _add(*numbers: Any) -> Any:
    return reduce(np.add, numbers, 0.0)


def _multiply(*numbers: Any) -> Any:
    return reduce(np.multiply, numbers)


def _subtract(*numbers: Any) -> Any:
    return np.negative(numbers[0]) if len(numbers) == 1 else np.subtract(*numbers)


# operator: array form, fewest and most arguments, whether it reads numbers as parseFloat does
ARITHMETIC: Final[dict[str, tuple[Callable[..., Any], int, int, bool]]] = {
    "+": (_add, 1, 16, True),
    "*": (_multiply, 2, 2, True),
    "-": (_subtract, 1, 2, False),
    "/": (np.divide, 2, 2, False),
    "%": (np.fmod, 2, 2, False),
}
