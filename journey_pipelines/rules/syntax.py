"""What a rule is made of, once it is parsed, and its canonical text.

The size of a node is that of all it holds: operators, values, and long texts as several.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from journey_pipelines.rules.coercion import UNDEFINED, Value
from journey_pipelines.rules.faults import weight


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A value that is what it is; an object of no or several keys is one too, as in the reference."""

    value: Value
    size: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Measure it."""
        object.__setattr__(self, "size", 1 + weight(self.value))


@dataclass(frozen=True, slots=True, eq=False)
class Array:
    """A list whose elements are evaluated; each evaluation gives a list of its own."""

    items: tuple["Node", ...]
    size: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Measure it."""
        object.__setattr__(self, "size", 1 + sum(item.size for item in self.items))


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """An operator and its arguments, not yet evaluated. A single argument without a list is a list of one."""

    operator: str
    arguments: tuple["Node", ...]
    size: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Measure it."""
        object.__setattr__(self, "size", 1 + sum(argument.size for argument in self.arguments))


Node = Literal | Array | Operation
NOT_CONSTANT = object()


def constant(node: Node) -> Value:
    """The value of a node that contains no operation, else NOT_CONSTANT."""
    match node:
        case Literal(value):
            return value
        case Array(items):
            values = [constant(item) for item in items]
            return NOT_CONSTANT if any(value is NOT_CONSTANT for value in values) else values
        case Operation():
            return NOT_CONSTANT


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    match node:
        case Literal():
            return ()
        case Array(items):
            return items
        case Operation(_, arguments):
            return arguments


def operators(node: Node) -> frozenset[str]:
    """The names of all operators of a rule."""
    own = frozenset({node.operator}) if isinstance(node, Operation) else frozenset()
    return own.union(*map(operators, children(node)))


def canonical_text(node: Node) -> str:
    """One text for all spellings of a rule: arguments as lists, keys sorted, numbers as doubles, `if` for `?:`."""
    return json.dumps(_canonical(node), sort_keys=True, separators=(",", ":"))


class Identities:
    """Numbers of nodes: the same for all spellings of one rule, found once for each node from the bottom up."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._of_nodes: dict[Node, int] = {}

    def of(self, node: Node) -> int:
        """The node's number."""
        if node not in self._of_nodes:
            self._of_nodes[node] = self._numbers.setdefault(self._form(node), len(self._numbers))
        return self._of_nodes[node]

    def _form(self, node: Node) -> Any:
        if isinstance(node, Literal):
            return canonical_text(node)
        name = ("if" if node.operator == "?:" else node.operator) if isinstance(node, Operation) else None
        return name, *map(self.of, children(node))


def fingerprint(node: Node) -> str:
    """16 hexadecimal digits of the SHA-256 of the canonical text."""
    return hashlib.sha256(canonical_text(node).encode()).hexdigest()[:16]


def _canonical(node: Node) -> Any:
    match node:
        case Literal(value):
            return _canonical_value(value)
        case Array(items):
            return [_canonical(item) for item in items]
        case Operation(operator, arguments):
            return {"if" if operator == "?:" else operator: [_canonical(argument) for argument in arguments]}


def _canonical_value(value: Value) -> Any:
    if type(value) is dict:
        return {name: _canonical_value(item) for name, item in value.items()}
    if type(value) is list:
        return [_canonical_value(item) for item in value]
    # minus zero stays itself: one divides by it to minus infinity
    if type(value) is float and value.is_integer() and abs(value) <= 2**53 and str(value) != "-0.0":
        return int(value)
    return None if value is UNDEFINED else value
