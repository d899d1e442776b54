"""The nodes of a rule over a scope: `truth` gives a mask, `compute` a vector, each by a kernel where there is one."""

from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Final

import numpy as np

from journey_pipelines.rules.coercion import UNDEFINED, Value
from journey_pipelines.rules.columns.arithmetic import FEWEST_ARGUMENTS, KERNELS
from journey_pipelines.rules.columns.bound import ElementScope, Scope
from journey_pipelines.rules.columns.intake import from_objects
from journey_pipelines.rules.columns.lists import all_of, any_of, flatten, is_too_long, lengths
from journey_pipelines.rules.columns.membership import in_constant_list, is_in
from journey_pipelines.rules.columns.missing import MissingKeys, find_keys
from journey_pipelines.rules.columns.relations import ORDERS, loosely_equal, ordered, strictly_equal
from journey_pipelines.rules.columns.vector import CONTAINERS, Kind, Mask, Rows, Vector, choose, objects, scatter
from journey_pipelines.rules.faults import HEAVY, MAX_KEPT, MAX_WORK, Budget, Pool, TooMuchError, weight
from journey_pipelines.rules.operators import EAGER
from journey_pipelines.rules.parsing import plain
from journey_pipelines.rules.reads import find_reads, var_path
from journey_pipelines.rules.scalar import compile_scalar
from journey_pipelines.rules.syntax import NOT_CONSTANT, Array, Literal, Node, Operation, constant

NULL = Literal(None)
ABSENT = Literal(UNDEFINED)
EQUALITIES = {"==": loosely_equal, "===": strictly_equal}
MAKING: Final = frozenset({"cat", "merge", "substr"})  # operators whose values may be much larger than what is there


class Evaluator:
    """One evaluation over so many rows. A careful one computes each branch only over the rows that need it.

    Raises TooMuchError where all rows together take more than is kept at a time, or their work more than that of as
    many evaluations of one row may be.
    """

    def __init__(self, rows: int, *, is_careful: bool) -> None:
        self._is_careful = is_careful
        self._kept = Pool(MAX_KEPT)
        self._work = Pool(MAX_WORK * max(rows, 1))

    def truth(self, node: Node, scope: Scope) -> Mask:
        """Truthiness in each row."""
        if isinstance(node, Operation):
            match node.operator:
                case "and" | "or":
                    return self._connected(node, scope)
                case "if" | "?:":
                    found = np.zeros(scope.size, dtype=bool)
                    for rows, branch in self._branches(node, scope):
                        found[rows] = self.truth(branch, scope.take(rows))
                    return found
                case "!" | "!!":
                    (only,) = self._arguments(node, scope, 1)
                    return only.truth if node.operator == "!!" else ~only.truth
                case "==" | "===" | "!=" | "!==" | "<" | "<=" | ">" | ">=":
                    return self._related(node, scope)
                case "in":
                    return self._contained(node, scope)
                case "some" | "all" | "none" if not self._is_careful and is_over_data(node):
                    return self._tested(node, scope)
                case "missing" | "missing_some" if (keys := self._missing(node, scope)) is not None:
                    return keys.any
        return self.compute(node, scope).truth

    def compute(self, node: Node, scope: Scope) -> Vector:
        """The value in each row."""
        match node:
            case Literal(value):
                # a copy, so that nobody who changes a result changes the rule
                return Vector.constant(plain(value), scope.size)
            case Array(items):
                return self._listed(node, items, scope)
            case Operation(operator, arguments):
                return self._operated(node, operator, arguments, scope)

    def _operated(self, node: Operation, operator: str, arguments: tuple[Node, ...], scope: Scope) -> Vector:
        match operator:
            case "var":
                return self._var(node, scope)
            case "and" | "or":
                return self._operand(node, scope)
            case "if" | "?:":
                cases = self._branches(node, scope)
                return scatter(scope.size, [(rows, self.compute(then, scope.take(rows))) for rows, then in cases])
            case "!" | "!!" | "==" | "===" | "!=" | "!==" | "<" | "<=" | ">" | ">=" | "in":
                return Vector.of_mask(self.truth(node, scope))
            case "some" | "all" | "none" if not self._is_careful and is_over_data(node):
                return Vector.of_mask(self._tested(node, scope))
            case "missing" | "missing_some" if (keys := self._missing(node, scope)) is not None:
                return keys.lists()
        if operator in EAGER:
            return self._eager(operator, [self.compute(argument, scope) for argument in arguments], scope.size)
        return self._row_by_row(node, scope)

    def _arguments(self, node: Operation, scope: Scope, count: int) -> list[Vector]:
        """The first arguments, absent ones UNDEFINED; the others are computed too, since they may fail."""
        nodes = [*node.arguments, *repeat(ABSENT, count - len(node.arguments))]
        return [self.compute(argument, scope) for argument in nodes][:count]

    def _related(self, node: Operation, scope: Scope) -> Mask:
        name = node.operator
        if name in ("<", "<=") and len(node.arguments) > 2:
            first, second, third = self._arguments(node, scope, 3)
            is_given = ~third.is_kind(Kind.UNDEFINED)
            return ordered(name, first, second) & (~is_given | ordered(name, second, third))
        first, second = self._arguments(node, scope, 2)
        if name in ORDERS:
            return ordered(name, first, second)
        equal = EQUALITIES[name.replace("!", "=", 1)](first, second)
        return ~equal if name.startswith("!") else equal

    def _contained(self, node: Operation, scope: Scope) -> Mask:
        if len(node.arguments) == 2 and type(haystack := constant(node.arguments[1])) is list:
            return in_constant_list(self.compute(node.arguments[0], scope), haystack)
        needles, haystacks = self._arguments(node, scope, 2)
        if haystacks.has(Kind.LIST):
            self._work.spend(int(lengths(haystacks.cells[haystacks.is_kind(Kind.LIST)]).sum()))
        return is_in(needles, haystacks)

    def _is_whole(self, node: Node) -> bool:
        return not self._is_careful and is_columnar(node)

    def _connected(self, node: Operation, scope: Scope) -> Mask:
        """`and` and `or` of masks; what no kernel covers is computed for undecided rows only."""
        is_and = node.operator == "and"
        result = np.full(scope.size, is_and and bool(node.arguments))
        for argument in node.arguments:
            undecided = result if is_and else ~result
            if self._is_whole(argument):
                found = self.truth(argument, scope)
                result = result & found if is_and else result | found
            elif undecided.any():
                rows = np.flatnonzero(undecided)
                result[rows] = self.truth(argument, taken(scope, rows))
        return result

    def _operand(self, node: Operation, scope: Scope) -> Vector:
        """`and` and `or` of values: the operand that decided."""
        current = Vector.constant(UNDEFINED, scope.size)
        is_open = np.ones(scope.size, dtype=bool)
        for argument in node.arguments:
            rows = np.flatnonzero(is_open)
            if not len(rows):
                break
            if len(rows) == scope.size:
                current = self.compute(argument, scope)
            elif self._is_whole(argument):
                current = choose(is_open, self.compute(argument, scope), current)
            else:
                decided = np.flatnonzero(~is_open)
                found = self.compute(argument, scope.take(rows))
                current = scatter(scope.size, [(decided, current.take(decided)), (rows, found)])
            is_open = is_open & (current.truth if node.operator == "and" else ~current.truth)
        return current

    def _branches(self, node: Operation, scope: Scope) -> list[tuple[Rows, Node]]:
        """The rows of each branch of an `if` that has any."""
        arguments = node.arguments
        open_rows = np.arange(scope.size)
        cases: list[tuple[Rows, Node]] = []
        for condition, then in zip(arguments[0:-1:2], arguments[1::2], strict=False):
            if self._is_whole(condition):
                holds = self.truth(condition, scope)[open_rows]
            else:
                holds = self.truth(condition, taken(scope, open_rows))
            cases.append((open_rows[holds], then))
            open_rows = open_rows[~holds]
            if not len(open_rows):
                break
        cases.append((open_rows, arguments[-1] if len(arguments) % 2 else NULL))
        return [(rows, branch) for rows, branch in cases if len(rows)]

    def _var(self, node: Operation, scope: Scope) -> Vector:
        path = var_path(node)
        if path is NOT_CONSTANT:
            return self._row_by_row(node, scope)
        found = scope.whole() if path is None else scope.read(path).or_null
        if len(node.arguments) < 2:
            return found
        default, *_ = [self.compute(argument, scope) for argument in node.arguments[1:]]
        if path is None:
            return found
        return choose(scope.read(path).is_kind(Kind.UNDEFINED), default.or_null, found)

    def _missing(self, node: Operation, scope: Scope) -> MissingKeys | None:
        found = find_keys(node)
        if found is None:
            return None
        keys, needed = found
        return MissingKeys.look(keys, scope, None if needed is None else self.compute(needed, scope))

    def _tested(self, node: Operation, scope: Scope) -> Mask:
        """`some`, `all` and `none` over the elements of all rows at once."""
        source = self.compute(node.arguments[0], scope)
        rows = np.flatnonzero(source.is_kind(Kind.LIST))
        result = np.full(scope.size, node.operator == "none")
        body = node.arguments[1] if len(node.arguments) > 1 else ABSENT
        elements, sizes = flatten(source.take(rows))
        if is_too_long(int(sizes.max(initial=0)), body.size):
            raise TooMuchError("a list is too long for the rule; its row is evaluated alone")
        holds = self.truth(body, ElementScope(elements))
        found = all_of(holds, sizes) if node.operator == "all" else any_of(holds, sizes)
        result[rows] = ~found if node.operator == "none" else found
        return result

    def _listed(self, node: Node, items: tuple[Node, ...], scope: Scope) -> Vector:
        value = constant(node)
        if value is not NOT_CONSTANT:
            return Vector.constant(plain(value), scope.size)
        self._kept.spend(scope.size * len(items))
        rows = zip(*[self.compute(item, scope).json_cells for item in items], strict=True)
        return from_objects(objects(map(list, rows), scope.size), is_data=False)

    def _eager(self, operator: str, vectors: list[Vector], size: int) -> Vector:
        """An operator that only sees its values: by its kernel, else once for each row."""
        has_kernel = operator in KERNELS and len(vectors) >= FEWEST_ARGUMENTS.get(operator, 1)
        if has_kernel and not any(vector.has(*CONTAINERS) for vector in vectors):
            with np.errstate(all="ignore"):
                return Vector.of_numbers(KERNELS[operator](vectors))
        if not vectors:
            return Vector.constant(EAGER[operator]() if size else None, size)
        values = map(EAGER[operator], *[vector.json_cells for vector in vectors])
        return from_objects(objects(self._counted(values) if operator in MAKING else values, size), is_data=False)

    def _counted(self, values: Iterable[Value]) -> Iterator[Value]:
        for value in values:
            if type(value) in HEAVY:
                self._kept.spend(weight(value))
            yield value

    def _row_by_row(self, node: Node, scope: Scope) -> Vector:
        """What nothing else covers."""
        results = self._counted(row_by_row(node, scope, self._work))
        return from_objects(objects(results, scope.size), is_data=False)


def taken(scope: Scope, rows: Rows) -> Scope:
    """The scope of these rows, which are in order: the scope itself where they are all."""
    return scope if len(rows) == scope.size else scope.take(rows)


def row_by_row(node: Node, scope: Scope, work: Pool) -> Iterator[Value]:
    """The scalar evaluator, once for each row."""
    run = compile_scalar(node)
    for document in scope.documents(find_reads(node)):
        budget = Budget()
        result = run(document, budget)
        work.spend(budget.spent)
        yield result


def is_over_data(node: Operation) -> bool:
    """Whether a list operator goes through a list of the data, so that all its elements are as many as the data's."""
    source = node.arguments[0] if node.arguments else NULL
    return isinstance(source, Operation) and source.operator == "var" and len(source.arguments) == 1


def is_columnar(node: Node) -> bool:
    """Whether kernels cover the whole subtree, so that computing it for a few rows more costs less than choosing."""
    match node:
        case Literal():
            return True
        case Array():
            return constant(node) is not NOT_CONSTANT
        case Operation("var", arguments):
            return all(constant(argument) is not NOT_CONSTANT for argument in arguments)
        case Operation("missing" | "missing_some"):
            return find_keys(node) is not None
        case Operation(operator, arguments):
            return operator in COLUMNAR and all(map(is_columnar, arguments))


COLUMNAR = frozenset({"if", "?:", "and", "or", "!", "!!", "in", *EQUALITIES, "!=", "!==", *ORDERS, *KERNELS})
