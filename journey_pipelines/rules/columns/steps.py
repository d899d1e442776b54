"""One step down a dotted name: a property of each value of a vector."""

import operator
from itertools import chain, repeat

import numpy as np

from journey_pipelines.rules.access import INDEX, get_property
from journey_pipelines.rules.coercion import UNDEFINED
from journey_pipelines.rules.columns.intake import from_objects
from journey_pipelines.rules.columns.texts import unit_counts
from journey_pipelines.rules.columns.vector import Kind, Objects, Vector, filled, objects
from journey_pipelines.rules.json_values import key_text


def step(vector: Vector, name: str) -> Vector:
    """The property of this name in each row; UNDEFINED where there is none. See `access.get_property`."""
    if not vector.has(Kind.OBJECT, Kind.LIST, Kind.TEXT):
        return Vector.constant(UNDEFINED, len(vector))
    found = filled(UNDEFINED, len(vector))
    if vector.has(Kind.OBJECT):
        rows = vector.is_kind(Kind.OBJECT)
        found[rows] = _step_into_objects(vector.cells[rows], name)
    if vector.has(Kind.LIST):
        _step_into_lists(vector, name, found)
    if vector.has(Kind.TEXT):
        _step_into_texts(vector, name, found)
    return from_objects(found, is_data=vector.is_data)


def _step_into_objects(cells: Objects, name: str) -> Objects:
    found = objects(map(dict.get, cells, repeat(name), repeat(UNDEFINED)), len(cells))
    missed = np.fromiter(map(operator.is_, found, repeat(UNDEFINED)), bool, len(cells))
    # objects of the data may have keys that are no texts yet
    if missed.any() and set(map(type, chain.from_iterable(cells[missed]))) - {str}:
        named = [dict(zip(map(key_text, cell), cell.values(), strict=True)) for cell in cells[missed]]
        found[missed] = objects((cell.get(name, UNDEFINED) for cell in named), len(named))
    return found


def _step_into_lists(vector: Vector, name: str, found: Objects) -> None:
    rows = np.flatnonzero(vector.is_kind(Kind.LIST))
    lists = vector.cells[rows]
    sizes = np.fromiter(map(len, lists), np.int64, len(lists))
    if name == "length":
        found[rows] = sizes.astype(object)
    elif INDEX.fullmatch(name):
        is_long = sizes > int(name)
        found[rows[is_long]] = objects(map(operator.itemgetter(int(name)), lists[is_long]), int(is_long.sum()))


def _step_into_texts(vector: Vector, name: str, found: Objects) -> None:
    rows = np.flatnonzero(vector.is_kind(Kind.TEXT))
    if name == "length":
        found[rows] = unit_counts(vector.cells[rows]).astype(object)
    elif INDEX.fullmatch(name):
        found[rows] = objects(map(get_property, vector.cells[rows], repeat(name)), len(rows))
