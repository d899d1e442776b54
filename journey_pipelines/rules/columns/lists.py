"""Lists of many rows as one vector of elements with sizes, and what their rows make of a mask over the elements."""

from itertools import chain

import numpy as np
import numpy.typing as npt

from journey_pipelines.rules.columns.intake import from_objects
from journey_pipelines.rules.columns.vector import Mask, Objects, Vector, objects
from journey_pipelines.rules.faults import MAX_ITEMS, MAX_WORK

Sizes = npt.NDArray[np.int64]


def flatten(lists: Vector) -> tuple[Vector, Sizes]:
    """All elements in order, and how many each row has; every row is a list."""
    sizes = lengths(lists.cells)
    elements = objects(chain.from_iterable(lists.cells), int(sizes.sum()))
    return from_objects(elements, is_data=lists.is_data), sizes


def lengths(cells: Objects) -> Sizes:
    """How many elements each list has, or characters each text."""
    return np.fromiter(map(len, cells), np.int64, len(cells))


def is_too_long(longest: int, size_of_body: int) -> bool:
    """Whether a list is longer than a list operator with such a body may go through."""
    return longest > MAX_ITEMS or longest * size_of_body > MAX_WORK


def count_in(mask: Mask, sizes: Sizes) -> Sizes:
    """How many elements of each row the mask holds."""
    ends = np.cumsum(sizes)
    before = np.concatenate([[0], np.cumsum(mask)])
    return np.asarray(before[ends] - before[ends - sizes])


def any_of(mask: Mask, sizes: Sizes) -> Mask:
    """Rows of which any element is in the mask."""
    return count_in(mask, sizes) > 0


def all_of(mask: Mask, sizes: Sizes) -> Mask:
    """Rows of which all elements are in the mask; an empty row is not."""
    return np.asarray((count_in(mask, sizes) == sizes) & (sizes > 0))
