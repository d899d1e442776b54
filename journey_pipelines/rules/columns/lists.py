"""Lists of many rows as one vector of elements with sizes, and what their rows make of a mask over the elements."""

from itertools import chain

import numpy as np
import numpy.typing as npt

from journey_pipelines.rules.columns.intake import from_objects
from journey_pipelines.rules.columns.vector import Mask, Vector, objects

Sizes = npt.NDArray[np.int64]


def flatten(lists: Vector) -> tuple[Vector, Sizes]:
    """All elements in order, and how many each row has; every row is a list."""
    sizes = np.fromiter(map(len, lists.cells), np.int64, len(lists))
    elements = objects(chain.from_iterable(lists.cells), int(sizes.sum()))
    return from_objects(elements, is_data=lists.is_data), sizes


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
