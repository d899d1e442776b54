"""Whether lists and objects of many rows are JSON values as they stand, found level by level."""

import math
from itertools import chain
from typing import Any, Final

from journey_pipelines.rules.json_values import EXACT_INTEGERS

LEAVES: Final = frozenset({str, bool, int, float, type(None)})
MOST_LEVELS: Final = 64


def are_plain(cells: Any) -> bool:
    """Whether nothing in these lists and dicts, however deep, would have to be converted by `to_json`."""
    containers = list(cells)
    for _ in range(MOST_LEVELS):
        if not containers:
            return True
        lists = [cell for cell in containers if type(cell) is list]
        dicts = [cell for cell in containers if type(cell) is dict]
        if len(lists) + len(dicts) < len(containers) or set(map(type, chain.from_iterable(dicts))) - {str}:
            return False
        below = [*chain.from_iterable(lists), *chain.from_iterable(map(dict.values, dicts))]
        types = set(map(type, below))
        if types - LEAVES - {list, dict} or not _are_exact(below, types):
            return False
        further = [value for value in below if type(value) is list or type(value) is dict]
        # rows may share an object; once is enough
        containers = list(dict(zip(map(id, further), further, strict=True)).values())
    return False


def are_flat(cells: Any) -> bool:
    """Whether none of these lists and dicts holds another one."""
    lists = [cell for cell in cells if type(cell) is list]
    dicts = [cell for cell in cells if type(cell) is dict]
    below = chain(chain.from_iterable(lists), chain.from_iterable(map(dict.values, dicts)))
    return {list, dict}.isdisjoint(map(type, below))


def _are_exact(values: list[Any], types: set[type]) -> bool:
    floats = [value for value in values if type(value) is float] if float in types else []
    integers = [value for value in values if type(value) is int] if int in types else []
    # NaN makes the sum NaN; infinities of both signs do so as well, which only costs a conversion
    return not math.isnan(sum(floats)) and max(map(abs, integers), default=0) <= EXACT_INTEGERS
