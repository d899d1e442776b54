"""Python values as plain JSON values: what a document may hold, and what it may not."""

import math
from collections.abc import Mapping
from datetime import date, time
from numbers import Integral, Real
from typing import Any, Final

from journey_pipelines.errors import Problem, pointer

DEEPEST: Final = 210  # a rule may have 200 of its own
MOST_VALUES: Final = 500_000
LARGEST_INTEGER: Final = 2**63 - 1


def plain(value: Any) -> tuple[Any, list[Problem]]:
    """The value in dicts, lists, texts, numbers, booleans and None, and what cannot be written so (null in its place).

    Dates become ISO 8601 text. Keys become text; a YAML 1.1 reader turns the key `on` into True, which is undone.
    """
    conversion = _Conversion()
    try:
        return conversion.convert(value, "", 0), conversion.problems
    except RecursionError:
        return None, [Problem("", "is nested too deeply; flatten it")]


class _Conversion:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.values = 0

    def convert(self, value: Any, at: str, depth: int) -> Any:
        self.values += 1
        if self.values > MOST_VALUES:
            if self.values == MOST_VALUES + 1:
                self.refuse(at, f"the document has more than {MOST_VALUES:,} values; split the journey")
            return None
        if isinstance(value, Mapping | list | tuple) and depth >= DEEPEST:
            return self.refuse(at, f"nested more than {DEEPEST} levels deep (or within itself); flatten it")
        if isinstance(value, Mapping):
            return self.mapping(value, at, depth)
        if isinstance(value, list | tuple):
            return [self.convert(item, pointer(at, place), depth + 1) for place, item in enumerate(value)]
        return self.scalar(value, at)

    def mapping(self, value: Mapping[Any, Any], at: str, depth: int) -> dict[str, Any]:
        for key in getattr(value, "twice", ()):
            self.refuse(pointer(at, key), "the key appears twice; keep one")
        made: dict[str, Any] = {}
        for key, item in value.items():
            name = self.key(key, at)
            if name in made:
                self.refuse(pointer(at, name), "the key appears twice; keep one")
            made[name] = self.convert(item, pointer(at, name), depth + 1)
        return made

    def key(self, key: Any, at: str) -> str:
        if isinstance(key, str):
            return str(self.text(key, at) or "")
        if isinstance(key, bool):
            return _key_of_boolean(at, is_true=key)
        if key is None or isinstance(key, int | float):
            return "null" if key is None else str(key)
        self.refuse(at, f"the key {_shown(key)} is not a text; write it in quotes")
        return _shown(key)

    def scalar(self, value: Any, at: str) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.text(value, at)
        if isinstance(value, Integral | Real):
            return self.number(value, at)
        if isinstance(value, date | time):
            return value.isoformat()
        return self.refuse(at, f"{_shown(value)} ({type(value).__name__}) is not a JSON value")

    def number(self, value: Integral | Real, at: str) -> Any:
        if isinstance(value, Integral):
            if abs(int(value)) <= LARGEST_INTEGER:
                return int(value)
            return self.refuse(at, "the number has more than 64 bits; write a smaller one")
        if math.isfinite(float(value)):
            return float(value)
        return self.refuse(at, f"{float(value)} is not a JSON number; write a finite one")

    def text(self, value: str, at: str) -> Any:
        if "\0" in value:
            return self.refuse(at, "the text holds a NUL character, which the store cannot keep; remove it")
        try:
            value.encode()
        except UnicodeEncodeError:
            return self.refuse(at, "the text holds half of a surrogate pair, which is no character; remove it")
        return str(value)

    def refuse(self, at: str, message: str) -> Any:
        self.problems.append(Problem(at, message))
        return None


def _key_of_boolean(at: str, *, is_true: bool) -> str:
    if at == "/entry":
        return "on" if is_true else "off"
    return "true" if is_true else "false"


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= 60 else f"{text[:60]}…"
