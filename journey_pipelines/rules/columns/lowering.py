"""From a rule's conditions to terms over a frame's typed columns; nodes that nothing covers are left to the caller."""

import math
from collections.abc import Callable
from functools import reduce
from itertools import takewhile
from typing import Final

import numpy as np

from journey_pipelines.rules.coercion import UNDEFINED, Value, parse_float, to_number, truthy
from journey_pipelines.rules.columns.amounts import ARITHMETIC, Amount, Computed, Constant, Filled
from journey_pipelines.rules.columns.folding import MIRRORED, RELATIONS, compared, dated
from journey_pipelines.rules.columns.lists import is_too_long
from journey_pipelines.rules.columns.missing import find_keys
from journey_pipelines.rules.columns.terms import (
    Always,
    AnyElement,
    Chosen,
    Connected,
    Empty,
    General,
    HasElements,
    Looked,
    MoreThan,
    Negated,
    Nonzero,
    Once,
    Patched,
    Related,
    Shared,
    Term,
)
from journey_pipelines.rules.columns.typed import Coded, Lists, Moments, Numeric, Source, Typed
from journey_pipelines.rules.columns.vector import Kind, Mask, Vector
from journey_pipelines.rules.faults import RuleEvaluationError
from journey_pipelines.rules.operators import EAGER
from journey_pipelines.rules.reads import Reads, find_reads, var_path
from journey_pipelines.rules.syntax import NOT_CONSTANT, Literal, Node, Operation, constant, operators

Distinct = Callable[[Node, str, Vector], Mask]


class Lowering:
    """One source of columns, and how a subtree is evaluated once for each distinct value of one column.

    `shared` collects the terms of several rules; `paths` says what became of each node.
    """

    def __init__(
        self,
        source: Source,
        of_distinct: Distinct,
        fallback: Callable[[Node], Term] | None,
        *,
        shared: Shared | None = None,
        is_inner: bool = False,
        reads: dict[Node, Reads] | None = None,
    ) -> None:
        self._source = source
        self._of_distinct = of_distinct
        self._fallback = fallback
        self._is_inner = is_inner
        self._shared = shared
        self._reads: dict[Node, Reads] = {} if reads is None else reads
        self.paths: dict[Node, str] = {}

    def condition(self, node: Node) -> Term | None:
        """The term of a node's truthiness; None where it has none and there is no fallback."""
        if self._shared is None or constant(node) is not NOT_CONSTANT:
            return self._condition(node)
        key = self._shared.identities.of(node)
        if (known := self._shared.terms.get(key)) is not None:
            known.uses += 1
            return known
        term = self._condition(node)
        if term is None or isinstance(term, General):
            return term
        self._shared.terms[key] = Once(term)
        return self._shared.terms[key]

    def _condition(self, node: Node) -> Term | None:
        term, how = self._lowered(node)
        if term is None and self._fallback is not None:
            term, how = self._fallback(node), "general"
        self.paths[node] = how
        return term

    def _lowered(self, node: Node) -> tuple[Term | None, str]:
        term: Term | None
        value = constant(node)
        if value is not NOT_CONSTANT:
            return Always(truthy(value)), "constant"
        if not isinstance(node, Operation):
            return None, ""
        if (looked := self._looked(node)) is not None:
            return looked, "once for each distinct value"
        if node.operator in CONDITIONS and (term := CONDITIONS[node.operator](self, node)) is not None:
            return term, "columns"
        column, missing = self._column(node)
        if isinstance(column, Numeric):
            nonzero = Nonzero(Filled(column, math.nan))
            return (Patched(nonzero, column, holds=True) if truthy(missing) else nonzero), "columns"
        if isinstance(column, Moments):
            present = Negated(Empty(column))
            return (Patched(present, column, holds=True) if truthy(missing) else present), "columns"
        amount = self.number(node)
        return (Nonzero(amount), "columns") if amount is not None else (None, "")

    def _looked(self, node: Operation) -> Term | None:
        """The subtree over the distinct values of the one column that it reads."""
        reads = find_reads(node, self._reads)
        path = "" if self._is_inner and reads.everything else next(iter(reads.paths), "")
        if (
            "" in reads.paths
            or (not path and not self._is_inner)
            or (path and (reads.everything or len(reads.paths) != 1))
        ):
            return None
        column = self._source.typed(path)
        if not isinstance(column, Coded):
            return None
        try:
            table = self._of_distinct(node, path, column.distinct)
        except RuleEvaluationError:
            return None
        return Looked(column, table)

    def _column(self, node: Node) -> tuple[Typed | None, Value]:
        """The column that a `var` reads and what stands for its missing cells."""
        if not isinstance(node, Operation) or node.operator != "var" or len(node.arguments) > 2:
            return None, None
        path = var_path(node)
        if path is NOT_CONSTANT or path == "":
            return None, None  # computed, or a property without a name: an empty list has an empty text
        default = constant(node.arguments[1]) if len(node.arguments) > 1 else None
        if default is NOT_CONSTANT:
            return None, None
        column = self._source.typed(path or "") if path or self._is_inner else None
        if isinstance(column, Numeric | Moments):
            if column.missing is None and default is not None:
                return None, None
            default = None if column.missing is Kind.NULL else default
        return column, None if default is UNDEFINED or path is None else default

    def amount(self, node: Node, convert: Callable[[Value], float], *, is_parsed: bool) -> Amount | None:
        """The node's number under a conversion: Number or parseFloat."""
        value = constant(node)
        if value is not NOT_CONSTANT:
            return None if value is UNDEFINED or isinstance(value, list | dict) else Constant(convert(value))
        column, missing = self._column(node)
        if isinstance(column, Numeric):
            if isinstance(missing, list | dict) or (is_parsed and column.is_boolean):
                return None
            return Filled(column, convert(missing))
        if isinstance(node, Operation) and node.operator in ARITHMETIC:
            return self._arithmetic(node)
        return None

    def number(self, node: Node) -> Amount | None:
        """The node's number as `-`, `/`, `%` and comparisons read it."""
        return self.amount(node, to_number, is_parsed=False)

    def _arithmetic(self, node: Operation) -> Amount | None:
        operate, fewest, most, is_parsed = ARITHMETIC[node.operator]
        if not fewest <= len(node.arguments) <= most:
            return None
        convert = parse_float if is_parsed else to_number
        if node.operator == "/" and "*" in operators(node.arguments[1]):
            return None  # `*` reads no sign of zero, by which a quotient is told apart
        amounts = [self.amount(argument, convert, is_parsed=is_parsed) for argument in node.arguments]
        found = [amount for amount in amounts if amount is not None]
        return Computed(operate, found) if len(found) == len(amounts) else None

    def relation(self, node: Operation) -> Term | None:
        """Two sides, or three for `<` and `<=`."""
        if len(node.arguments) == 3 and node.operator in ("<", "<="):
            first, second, third = node.arguments
            pairs = [self._pair(node.operator, first, second), self._pair(node.operator, second, third)]
            terms = [pair for pair in pairs if pair is not None]
            return Connected(terms, is_and=True) if len(terms) == 2 else None
        return self._pair(node.operator, *node.arguments) if len(node.arguments) == 2 else None

    def _pair(self, name: str, left: Node, right: Node) -> Term | None:
        if constant(left) is not NOT_CONSTANT:
            name, left, right = MIRRORED.get(name, name), right, left
        value = constant(right)
        column, missing = self._column(left)
        if value is not NOT_CONSTANT and isinstance(column, Numeric):
            return compared(name, column, missing, value)
        if isinstance(column, Moments) and name in MIRRORED and isinstance(value, str):
            return None if isinstance(missing, list | dict) else dated(name, column, missing, value)
        is_safe = all(self._compares_as_number(name, side) for side in (left, right))
        one, other = (self.number(left), self.number(right)) if is_safe else (None, None)
        return None if one is None or other is None else Related(RELATIONS[name], one, other)

    def _compares_as_number(self, name: str, node: Node) -> bool:
        """Whether a side that has a number is compared as that number, whatever number stands on the other side."""
        value = constant(node)
        column, missing = self._column(node)
        if value is not NOT_CONSTANT:
            is_numeric = type(value) in (int, float)
        elif isinstance(column, Numeric):
            is_numeric = not column.is_boolean and (type(missing) in (int, float) or not column.has_missing)
        else:
            return True
        # in an order null is 0 and true is 1, but two texts compare as texts
        return is_numeric or (name in MIRRORED and not isinstance(value if column is None else missing, str))

    def connection(self, node: Operation) -> Term | None:
        """`and` and `or`, where every operand has a term."""
        terms = [self.condition(argument) for argument in node.arguments]
        found = [term for term in terms if term is not None]
        return Connected(found, is_and=node.operator == "and") if found and len(found) == len(terms) else None

    def negation(self, node: Operation) -> Term | None:
        """`!` and `!!` of one value."""
        term = self.condition(node.arguments[0]) if len(node.arguments) == 1 else None
        return Negated(term) if term is not None and node.operator == "!" else term

    def choice(self, node: Operation) -> Term | None:
        """`if` of terms that are all safe to compute for all rows."""
        arguments = list(node.arguments)
        if not arguments:
            return None
        arguments += [Literal(None)] if len(arguments) % 2 == 0 else []
        strict = Lowering(self._source, self._of_distinct, None, is_inner=self._is_inner, reads=self._reads)
        terms = [strict.condition(argument) for argument in arguments]
        self.paths |= strict.paths
        safe = [term for term in terms if term is not None]
        if len(safe) < len(terms):
            return None
        *cases, otherwise = safe
        pairs = list(zip(cases[0::2], cases[1::2], strict=True))
        return reduce(lambda rest, pair: Chosen(pair[0], pair[1], rest), reversed(pairs), otherwise)

    def membership(self, node: Operation) -> Term | None:
        """`in` a list of a few constants."""
        if len(node.arguments) != 2:
            return None
        values = constant(node.arguments[1])
        column, missing = self._column(node.arguments[0])
        if not isinstance(column, Numeric) or not isinstance(values, list) or len(values) > 8:
            return None
        types = (bool,) if column.is_boolean else (int, float)
        wanted = [value for value in values if type(value) in types]
        terms = [compared("===", column, None, value) for value in wanted]
        found = Connected([term for term in terms if term is not None], is_and=False) if wanted else Always(holds=False)
        if column.has_missing and EAGER["in"](missing, values):
            return Patched(found, column, holds=True)
        return found

    def over_list(self, node: Operation) -> Term | None:
        """`some`, `all` and `none` over the elements of a block's lists at once."""
        if len(node.arguments) != 2 or len(getattr(node.arguments[0], "arguments", ())) != 1:
            return None
        column, _ = self._column(node.arguments[0])
        if not isinstance(column, Lists) or is_too_long(column.longest, node.arguments[1].size):
            return None
        inner = Lowering(column.elements, self._of_distinct, None, is_inner=True, reads=self._reads)
        body = inner.condition(node.arguments[1])
        self.paths |= inner.paths
        if body is None:
            return None
        if node.operator == "all":
            return Connected([Negated(AnyElement(column, Negated(body))), HasElements(column)], is_and=True)
        return AnyElement(column, body) if node.operator == "some" else Negated(AnyElement(column, body))

    def absence(self, node: Operation) -> Term | None:
        """`missing` and `missing_some`: whether any key, or too many, are missing."""
        found = find_keys(node)
        if found is None or not found[0]:
            return None
        keys, needed = found
        terms = [term for term in map(self._absent, keys) if term is not None]
        if len(terms) < len(keys):
            return None
        if needed is None:
            return Connected(terms, is_and=False)
        least = constant(needed)
        if least is NOT_CONSTANT or isinstance(least, list | dict):
            return None
        number = to_number(least)
        # none are listed where as many are there as needed; nothing is as many as NaN
        is_enough = (len(keys) - count >= number for count in range(1, len(keys) + 1))
        return MoreThan(terms, sum(takewhile(bool, is_enough)))

    def _absent(self, key: str) -> Term | None:
        column = self._source.typed(key) if key else None
        if isinstance(column, Numeric | Moments):
            return Empty(column) if column.has_missing else Always(holds=False)
        if isinstance(column, Coded):
            empty = np.array([cell is None or cell is UNDEFINED or cell == "" for cell in column.distinct.cells])
            return Looked(column, empty)
        return None


CONDITIONS: Final[dict[str, Callable[[Lowering, Operation], Term | None]]] = {
    "and": Lowering.connection,
    "or": Lowering.connection,
    "!": Lowering.negation,
    "!!": Lowering.negation,
    "if": Lowering.choice,
    "?:": Lowering.choice,
    "in": Lowering.membership,
    "some": Lowering.over_list,
    "all": Lowering.over_list,
    "none": Lowering.over_list,
    "missing": Lowering.absence,
    "missing_some": Lowering.absence,
    **dict.fromkeys(RELATIONS, Lowering.relation),
}
