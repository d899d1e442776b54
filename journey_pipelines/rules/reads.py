"""Which columns a rule reads, found without evaluating it."""

from collections.abc import Iterator
from dataclasses import dataclass

from journey_pipelines.rules.coercion import Value, to_text
from journey_pipelines.rules.faults import RuleEvaluationError
from journey_pipelines.rules.operators import SCOPED
from journey_pipelines.rules.syntax import NOT_CONSTANT, Array, Literal, Node, Operation, children, constant

DEPTH_OF_KEYS = 1  # of lists: the arguments, and the list of keys that may be the first of them


@dataclass(frozen=True)
class Reads:
    """Paths that a rule names in the document, and whether it may read anything."""

    paths: frozenset[str]
    everything: bool

    @property
    def columns(self) -> frozenset[str]:
        """The first segment of each path."""
        return frozenset(path.split(".", 1)[0] for path in self.paths)


def find_reads(node: Node, known: dict[Node, Reads] | None = None) -> Reads:
    """What the rule reads of the document. Bodies of list operators see an element, so theirs does not count.

    `known` keeps what was found for each node, for whoever asks for many nodes of one rule.
    """
    known = {} if known is None else known
    if node not in known:
        own = list(_own(node))
        below = [find_reads(child, known) for child in _evaluated(node)]
        paths = frozenset(path for path in own if path is not None).union(*(reads.paths for reads in below))
        known[node] = Reads(paths, None in own or any(reads.everything for reads in below))
    return known[node]


def var_path(node: Operation) -> Value:
    """The path that a `var` follows, None for the whole document; NOT_CONSTANT where it is computed or has no text."""
    return _path(constant(node.arguments[0]) if node.arguments else None)


def _path(name: Value) -> Value:
    if name is None or name is NOT_CONSTANT or name == "":
        return NOT_CONSTANT if name is NOT_CONSTANT else None
    try:
        return to_text(name)
    except RuleEvaluationError:
        return NOT_CONSTANT  # an object with a key `toString`; whoever evaluates it hears of it


def _evaluated(node: Node) -> tuple[Node, ...]:
    """The nodes directly below that see the same document."""
    if isinstance(node, Operation) and node.operator in SCOPED:
        return node.arguments[:1] + node.arguments[2:]
    return children(node)


def _own(node: Node) -> Iterator[str | None]:
    """Paths that the node itself reads; None stands for a read of anything."""
    match node:
        case Operation("var"):
            path = var_path(node)
            yield None if path is NOT_CONSTANT else path
        case Operation("missing", arguments):
            yield from _names(Array(arguments))
        case Operation("missing_some", arguments):
            yield from _names(Array(arguments[1:2]))


def _names(node: Node, depth: int = 0) -> Iterator[str | None]:
    """Names that `missing` may be given by this node; any name where that is computed.

    A list inside the list of keys is no name but the arguments of a `var`.
    """
    match node:
        case Literal(value):
            path = _path(value)
            yield None if path is NOT_CONSTANT else path
        case Array() if depth > DEPTH_OF_KEYS:
            yield None
        case Array(items):
            for item in items:
                yield from _names(item, depth + 1)
        case Operation("merge", items):
            for item in items:
                yield from _names(item, depth)
        case Operation("if" | "?:", arguments):
            branches = [*arguments[1::2], *(arguments[-1:] if len(arguments) % 2 else ())]
            for branch in branches:
                yield from _names(branch, depth)
        case _:
            yield None
