"""Reading properties of JSON values as ECMAScript does. Methods and prototypes are absent: no rule reaches code."""

import re
from typing import Final

from journey_pipelines.rules.coercion import UNDEFINED, Value, merge_surrogates, to_units

INDEX: Final = re.compile(r"0|[1-9][0-9]{0,9}")


def get_property(value: Value, name: str) -> Value:
    """`value[name]` for a value that is neither null nor undefined; UNDEFINED where there is none."""
    kind = type(value)
    if kind is dict:
        return value.get(name, UNDEFINED)
    if kind is not list and kind is not str:
        return UNDEFINED
    elements = to_units(value) if kind is str else value
    if name == "length":
        return len(elements)
    if not INDEX.fullmatch(name):
        return UNDEFINED
    index = int(name)
    return elements[index] if index < len(elements) else UNDEFINED


def slice_text(text: str, start: float, length: float) -> str:
    """String.prototype.substr (ECMA-262 B.2.2.1) on UTF-16 units; start and length are integers or infinite."""
    units = to_units(text)
    size = len(units)
    first = max(size + start, 0.0) if start < 0 else min(start, float(size))
    last = min(first + max(length, 0.0), float(size))
    return merge_surrogates(units[int(first) : int(last)]) if first < last else ""
