"""`in` over vectors: a part of a text, or strictly equal to an element of a list."""

import operator
from typing import Final

import numpy as np

from journey_pipelines.rules.coercion import Value
from journey_pipelines.rules.columns.lists import any_of, flatten, lengths
from journey_pipelines.rules.columns.relations import strictly_equal
from journey_pipelines.rules.columns.vector import Kind, Mask, Objects, Rows, Vector
from journey_pipelines.rules.operators import contains

ELEMENTS: Final = 1 << 22  # of how many rows' lists at a time, or so; rows may share a long one


def in_constant_list(needles: Vector, haystack: list[Value]) -> Mask:
    """Rows whose value is one of these; no list or object is."""
    found = np.zeros(len(needles), dtype=bool)
    if None in haystack:
        found |= needles.is_kind(Kind.NULL)
    for kind, types in ((Kind.BOOLEAN, (bool,)), (Kind.NUMBER, (int, float))):
        wanted = [float(value) for value in haystack if type(value) in types]
        if wanted and needles.has(kind):
            found |= needles.is_kind(kind) & np.isin(needles.numbers, wanted)
    texts = frozenset(value for value in haystack if type(value) is str)
    if texts and needles.has(Kind.TEXT):
        rows = needles.is_kind(Kind.TEXT)
        found[rows] = np.fromiter(map(texts.__contains__, needles.cells[rows]), bool)
    return found


def is_in(needles: Vector, haystacks: Vector) -> Mask:
    """`in` for each row."""
    found = np.zeros(len(needles), dtype=bool)
    in_text = haystacks.is_kind(Kind.TEXT) & needles.is_kind(Kind.TEXT)
    if in_text.any():
        found[in_text] = _in_texts(needles.cells[in_text], haystacks.cells[in_text])
    in_list = haystacks.is_kind(Kind.LIST)
    if in_list.any():
        found[in_list] = _in_lists(needles.take(in_list), haystacks.take(in_list))
    rest = haystacks.is_kind(Kind.TEXT, Kind.OBJECT) & ~in_text
    if rest.any():
        found[rest] = np.fromiter(map(contains, needles.json_cells[rest], haystacks.json_cells[rest]), bool)
    return found


def _in_texts(needles: Objects, haystacks: Objects) -> Mask:
    is_plain = "".join(needles).isascii()
    # half a surrogate pair is found inside the whole one; only texts beyond ASCII can ask for it
    find = operator.contains if is_plain else _contains
    found = np.fromiter(map(find, haystacks, needles), bool, len(needles))
    return found & (np.fromiter(map(len, haystacks), np.int64, len(haystacks)) > 0)


def _contains(haystack: str, needle: str) -> bool:
    return contains(needle, haystack)


def _in_lists(needles: Vector, haystacks: Vector) -> Mask:
    parts = np.cumsum(lengths(haystacks.cells)) // ELEMENTS
    cuts = np.flatnonzero(np.diff(parts)) + 1
    found = [_in_some_lists(needles, haystacks, rows) for rows in np.split(np.arange(len(needles)), cuts)]
    return np.concatenate(found)


def _in_some_lists(needles: Vector, haystacks: Vector, rows: Rows) -> Mask:
    elements, sizes = flatten(haystacks.take(rows))
    return any_of(strictly_equal(needles.take(np.repeat(rows, sizes)), elements), sizes)
