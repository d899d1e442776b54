"""One step down a dotted name: a property of each value of a vector."""

import operator
from itertools import repeat

import numpy as np

from journey_pipelines.rules.access import INDEX, get_property
from journey_pipelines.rules.coercion import UNDEFINED
from journey_pipelines.rules.columns.intake import from_objects
from journey_pipelines.rules.columns.texts import unit_counts
from journey_pipelines.rules.columns.vector import Kind, Objects, Vector, filled, objects


def step(vector: Vector, name: str) -> Vector:
    """The property of this name in each row; UNDEFINED where there is none. See `access.get_property`."""
    if not vector.has(Kind.OBJECT, Kind.LIST, Kind.TEXT):
        return Vector.constant(UNDEFINED, len(vector))
    found = filled(UNDEFINED, len(vector))
    if vector.has(Kind.OBJECT):
        rows = vector.is_kind(Kind.OBJECT)
        values = map(dict.get, vector.cells[rows], repeat(name), repeat(UNDEFINED))
        found[rows] = objects(values, int(rows.sum()))
    if vector.has(Kind.LIST):
        _step_into_lists(vector, name, found)
    if vector.has(Kind.TEXT):
        _step_into_texts(vector, name, found)
    return from_objects(found, is_data=vector.is_data)


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
