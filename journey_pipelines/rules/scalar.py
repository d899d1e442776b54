"""The reference evaluator: a rule over one document, exactly as json-logic-js 2.0.5 evaluates it.

A rule becomes nested closures of (data, budget); work that grows with the data or the rule is taken from the budget
where it is done. Data are JSON values (see `json_values`) or, in the body of a list
operator whose elements are undefined, UNDEFINED.
"""

# ruff: noqa: ARG001, ARG005 - every closure takes the data and the budget, whether it needs them or not
from collections.abc import Callable
from typing import Final

from journey_pipelines.errors import RuleError
from journey_pipelines.rules.access import get_property
from journey_pipelines.rules.coercion import UNDEFINED, Value, to_number, to_text, truthy
from journey_pipelines.rules.faults import HEAVY, UNITS_A_STEP, Budget, RuleEvaluationError, check_items, weight
from journey_pipelines.rules.operators import COSTS, EAGER, WHOLE_COST
from journey_pipelines.rules.parsing import parse
from journey_pipelines.rules.syntax import Array, Literal, Node, Operation

Run = Callable[[Value, Budget], Value]
PARSING: Final = 32  # steps that a key which is evaluated again costs for each of its values


def compile_scalar(node: Node) -> Run:
    """The closure that evaluates a node. It raises RuleEvaluationError where the reference throws."""
    match node:
        case Literal(value):
            return lambda data, budget: value
        case Array(items):
            return _array(tuple(map(compile_scalar, items)))
        case Operation(operator, arguments):
            compiled = tuple(map(compile_scalar, arguments))
            if operator in EAGER:
                return _eager(EAGER[operator], COSTS.get(operator, WHOLE_COST), compiled)
            if operator in OVER_LISTS:
                return OVER_LISTS[operator](arguments, compiled)
            if operator in LAZY:
                return LAZY[operator](compiled)
            return _unknown(operator)


def _array(items: tuple[Run, ...]) -> Run:
    return lambda data, budget: [item(data, budget) for item in items]


def _unknown(operator: str) -> Run:
    def run(data: Value, budget: Budget) -> Value:
        raise RuleEvaluationError(f"unknown operator {operator[:80]!r}; compile the rule without `lenient` to find it")

    return run


def _eager(function: Callable[..., Value], cost: Callable[..., int], arguments: tuple[Run, ...]) -> Run:
    def of_one(data: Value, budget: Budget) -> Value:
        value = arguments[0](data, budget)
        if type(value) in HEAVY:
            budget.spend(cost(value))
        return function(value)

    def of_two(data: Value, budget: Budget) -> Value:
        one, other = arguments[0](data, budget), arguments[1](data, budget)
        if type(one) in HEAVY or type(other) in HEAVY:
            budget.spend(cost(one, other))
        return function(one, other)

    def of_any(data: Value, budget: Budget) -> Value:
        values = [argument(data, budget) for argument in arguments]
        budget.spend(cost(*values))
        return function(*values)

    return {1: of_one, 2: of_two}.get(len(arguments), of_any)


def _nothing(data: Value, budget: Budget) -> Value:
    return UNDEFINED


def _at(arguments: tuple[Run, ...], index: int) -> Run:
    return arguments[index] if index < len(arguments) else _nothing


def read(data: Value, name: Value, budget: Budget, default: Value = UNDEFINED) -> Value:
    """`var`: the whole document for no name; the default, or null, for what is absent (not for what is null)."""
    if name is UNDEFINED or name is None or name == "":
        return data
    if type(name) is not str or len(name) > UNITS_A_STEP:
        budget.spend(weight(name))
    for step in to_text(name).split("."):
        if data is None or data is UNDEFINED:
            data = UNDEFINED
            break
        if type(data) is str:
            budget.spend(len(data) // UNITS_A_STEP)
        data = get_property(data, step)
    if data is not UNDEFINED:
        return data
    return None if default is UNDEFINED else default


def _var(arguments: tuple[Run, ...]) -> Run:
    name, default, others = _at(arguments, 0), _at(arguments, 1), arguments[2:]
    if not others:
        return lambda data, budget: read(data, name(data, budget), budget, default(data, budget))

    def run(data: Value, budget: Budget) -> Value:
        path, otherwise = name(data, budget), default(data, budget)
        for other in others:
            other(data, budget)  # nobody wants its value, but it may fail
        return read(data, path, budget, otherwise)

    return run


def find_missing(data: Value, arguments: list[Value], budget: Budget) -> list[Value]:
    """`missing`: the keys whose value is null, absent or empty text; one list of keys, or the keys themselves."""
    keys = arguments[0] if arguments and type(arguments[0]) is list else arguments
    budget.spend(len(keys))
    absent = []
    for key in keys:
        is_evaluated_again = type(key) is list or type(key) is dict
        value = evaluate_again("var", key, data, budget) if is_evaluated_again else read(data, key, budget)
        if value is None or value == "":
            absent.append(key)
    return absent


def evaluate_again(operator: str, values: Value, data: Value, budget: Budget) -> Value:
    """Evaluate {operator: values} where the values are results: the reference takes rules among them for rules."""
    budget.spend(PARSING * (1 + weight(values)))
    try:
        node = parse({operator: values}, lenient=True, is_computed=True)
    except RuleError as error:
        raise RuleEvaluationError(f"`{operator}` was given a key that is no rule: {error}") from error
    return compile_scalar(node)(data, budget)


def _missing(arguments: tuple[Run, ...]) -> Run:
    return lambda data, budget: find_missing(data, [argument(data, budget) for argument in arguments], budget)


def _missing_some(arguments: tuple[Run, ...]) -> Run:
    needed, options, others = _at(arguments, 0), _at(arguments, 1), arguments[2:]

    def run(data: Value, budget: Budget) -> Value:
        count, keys = needed(data, budget), options(data, budget)
        for other in others:
            other(data, budget)  # nobody wants its value, but it may fail
        is_plain = type(keys) is list and all(type(key) is str for key in keys)
        absent = find_missing(data, keys, budget) if is_plain else evaluate_again("missing", keys, data, budget)
        if keys is None or keys is UNDEFINED:
            raise RuleEvaluationError("`missing_some` has no list of keys; give it a number and a list")
        present = to_number(get_property(keys, "length")) - len(absent)
        return [] if present >= to_number(count) else absent

    return run


def _if(arguments: tuple[Run, ...]) -> Run:
    pairs = list(zip(arguments[0:-1:2], arguments[1::2], strict=False))
    otherwise = arguments[-1] if len(arguments) % 2 else None

    def run(data: Value, budget: Budget) -> Value:
        for condition, then in pairs:
            if truthy(condition(data, budget)):
                return then(data, budget)
        return otherwise(data, budget) if otherwise is not None else None

    return run


def _until(*, stop: bool) -> Callable[[tuple[Run, ...]], Run]:
    """`or` (stop at the first true) and `and` (at the first false): the operand that decided."""

    def build(arguments: tuple[Run, ...]) -> Run:
        def run(data: Value, budget: Budget) -> Value:
            current: Value = UNDEFINED
            for argument in arguments:
                current = argument(data, budget)
                if truthy(current) is stop:
                    return current
            return current

        return run

    return build


def _over(nodes: tuple[Node, ...], arguments: tuple[Run, ...]) -> Callable[[Value, Budget], list[Value] | None]:
    """The list that a list operator goes through, or None where its first argument is none."""
    source = _at(arguments, 0)
    size_of_body = nodes[1].size if len(nodes) > 1 else 1

    def run(data: Value, budget: Budget) -> list[Value] | None:
        items = source(data, budget)
        if type(items) is not list:
            return None
        check_items(len(items))
        budget.spend(len(items) * size_of_body)
        return items

    return run


def _map(nodes: tuple[Node, ...], arguments: tuple[Run, ...]) -> Run:
    items, body = _over(nodes, arguments), _at(arguments, 1)
    return lambda data, budget: [body(item, budget) for item in items(data, budget) or ()]


def _filter(nodes: tuple[Node, ...], arguments: tuple[Run, ...]) -> Run:
    items, body = _over(nodes, arguments), _at(arguments, 1)
    return lambda data, budget: [item for item in items(data, budget) or () if truthy(body(item, budget))]


def _reduce(nodes: tuple[Node, ...], arguments: tuple[Run, ...]) -> Run:
    items, body = _over(nodes, arguments), _at(arguments, 1)
    initial = arguments[2] if len(arguments) > 2 else None

    def run(data: Value, budget: Budget) -> Value:
        elements = items(data, budget)
        accumulator = initial(data, budget) if initial is not None else None
        for element in elements or ():
            accumulator = body({"current": element, "accumulator": accumulator}, budget)
        return accumulator

    return run


def _all(nodes: tuple[Node, ...], arguments: tuple[Run, ...]) -> Run:
    items, body = _over(nodes, arguments), _at(arguments, 1)

    def run(data: Value, budget: Budget) -> bool:
        elements = items(data, budget)
        return bool(elements) and all(truthy(body(element, budget)) for element in elements or ())

    return run


def _some(nodes: tuple[Node, ...], arguments: tuple[Run, ...]) -> Run:
    items, body = _over(nodes, arguments), _at(arguments, 1)
    return lambda data, budget: any(truthy(body(element, budget)) for element in items(data, budget) or ())


def _none(nodes: tuple[Node, ...], arguments: tuple[Run, ...]) -> Run:
    some = _some(nodes, arguments)
    return lambda data, budget: not some(data, budget)


LAZY: Final[dict[str, Callable[[tuple[Run, ...]], Run]]] = {
    "var": _var,
    "missing": _missing,
    "missing_some": _missing_some,
    "if": _if,
    "?:": _if,
    "and": _until(stop=False),
    "or": _until(stop=True),
}
OVER_LISTS: Final[dict[str, Callable[[tuple[Node, ...], tuple[Run, ...]], Run]]] = {
    "map": _map,
    "filter": _filter,
    "reduce": _reduce,
    "all": _all,
    "some": _some,
    "none": _none,
}
