"""Which columns a rule reads, found without evaluating it."""

from collections.abc import Iterator
from dataclasses import dataclass

from journey_pipelines.rules.coercion import Value, to_text
from journey_pipelines.rules.operators import SCOPED
from journey_pipelines.rules.syntax import NOT_CONSTANT, Array, Literal, Node, Operation, children, constant


@dataclass(frozen=True)
class Reads:
    """Paths that a rule names in the document, and whether it may read anything."""

    paths: frozenset[str]
    everything: bool

    @property
    def columns(self) -> frozenset[str]:
        """The first segment of each path."""
        return frozenset(path.split(".", 1)[0] for path in self.paths)


def find_reads(node: Node) -> Reads:
    """What the rule reads of the document. Bodies of list operators see an element, so theirs does not count."""
    found = list(_reads(node))
    return Reads(frozenset(path for path in found if path is not None), None in found)


def var_path(name: Value) -> str | None:
    """The path that `var` follows for a name, or None for the whole document."""
    return None if name is None or name == "" else to_text(name)


def _reads(node: Node) -> Iterator[str | None]:
    """Paths; None stands for a read of anything."""
    below = children(node)
    if isinstance(node, Operation):
        if node.operator in SCOPED:
            below = node.arguments[:1] + node.arguments[2:]
        elif node.operator == "var":
            yield from _var(node)
        elif node.operator == "missing":
            yield from _names(Array(node.arguments))
        elif node.operator == "missing_some":
            yield from _names(Array(node.arguments[1:2]))
    for child in below:
        yield from _reads(child)


def _var(node: Operation) -> Iterator[str | None]:
    name = constant(node.arguments[0]) if node.arguments else None
    yield None if name is NOT_CONSTANT else var_path(name)


def _names(node: Node) -> Iterator[str | None]:
    """Names that `missing` may be given by this node; any name where that is computed."""
    match node:
        case Literal(value):
            if (path := var_path(value)) is not None:
                yield path
        case Array(items) | Operation("merge", items):
            for item in items:
                yield from _names(item)
        case Operation("if" | "?:", arguments):
            branches = [*arguments[1::2], *(arguments[-1:] if len(arguments) % 2 else ())]
            for branch in branches:
                yield from _names(branch)
        case _:
            yield None
