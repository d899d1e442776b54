"""From Python data to syntax: every fault at once, each with its JSON pointer, whatever was passed in."""

import math
from collections.abc import Iterator
from typing import Any

from journey_pipelines.errors import Problem, RuleError, pointer
from journey_pipelines.rules.coercion import UNDEFINED, double
from journey_pipelines.rules.faults import MAX_DEPTH, MAX_NODES
from journey_pipelines.rules.operators import OPERATORS
from journey_pipelines.rules.syntax import Array, Literal, Node, Operation


def parse(rule: Any, *, lenient: bool = False, is_computed: bool = False) -> Node:
    """The syntax of a rule. With `lenient`, an unknown operator is an error only where it is reached.

    A rule that was computed by another one may hold NaN and infinite numbers.

    Raises RuleError with every fault: unknown operators, values that JSON lacks, depth and size beyond the bounds.
    """
    problems = list(find_problems(rule, lenient=lenient, is_computed=is_computed))
    if problems:
        raise RuleError(problems)
    return build(rule)


def find_problems(rule: Any, *, lenient: bool = False, is_computed: bool = False) -> Iterator[Problem]:
    """Faults of a rule, in document order. Walks with a stack of its own, since rules may be hostile."""
    nodes = 0
    path: list[int] = []  # identities of the containers around the current one
    names: list[Any] = []  # and the names that lead to it
    stack: list[tuple[Any, Any, int, int, bool]] = [(rule, None, 0, 0, True)]
    while stack:
        value, name, depth, level, is_logic = stack.pop()
        nodes += 1
        size = len(value) if isinstance(value, dict | list | tuple) else 0
        if nodes + len(stack) + size > MAX_NODES:
            yield Problem("", f"has more than {MAX_NODES} values; split it into smaller rules")
            return
        names[depth:] = [name]
        if not isinstance(value, dict | list | tuple):
            if fault := _leaf_fault(value, is_computed=is_computed):
                yield Problem(_pointer(names), fault)
            continue
        path[depth:] = [id(value)]
        if id(value) in path[:-1]:
            yield Problem(_pointer(names), "contains itself; a rule is a finite JSON document")
            continue
        if level >= MAX_DEPTH:
            yield Problem(_pointer(names), f"is nested deeper than {MAX_DEPTH} levels; flatten it or split the rule")
            continue
        if isinstance(value, dict):
            yield from _key_problems(value, _pointer(names), is_logic=is_logic, lenient=lenient)
            is_logic = is_logic and len(value) == 1
        stack.extend(reversed(list(_below(value, depth + 1, level + 1, is_logic=is_logic))))


def _below(value: Any, depth: int, level: int, *, is_logic: bool) -> Iterator[tuple[Any, Any, int, int, bool]]:
    """What a container holds: value, name, depth in the document, level in the syntax, whether it is evaluated."""
    is_operation = isinstance(value, dict) and is_logic
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        # the list of an operator's arguments is no level of its own
        is_arguments = is_operation and isinstance(item, list | tuple)
        yield item, name, depth, level - is_arguments, is_logic


def _pointer(names: list[Any]) -> str:
    """The JSON pointer of the value under these names; the first is the document itself."""
    # a key that is no text is a fault of its own, and a long integer has no text at all
    is_short = (isinstance(name, str) or (type(name) is int and abs(name) < MAX_NODES) for name in names[1:])
    return pointer("", *(name if fits else "?" for name, fits in zip(names[1:], is_short, strict=True)))


def _leaf_fault(value: Any, *, is_computed: bool) -> str:
    if value is UNDEFINED or value is None or isinstance(value, str):
        return ""
    if not isinstance(value, int | float):
        kind = type(value).__name__
        return f"is of type {kind}; a rule is made of objects, lists, texts, numbers, booleans and null"
    if not is_computed and not math.isfinite(double(value)):
        return "is a number that JSON or a double lacks (NaN or infinite); use a finite one"
    return ""


def _key_problems(value: dict[Any, Any], at: str, *, is_logic: bool, lenient: bool) -> Iterator[Problem]:
    for name in value:
        if not isinstance(name, str):
            yield Problem(at, f"has a key of type {type(name).__name__}; keys are texts")
        elif is_logic and len(value) == 1 and not lenient and name not in OPERATORS:
            known = ", ".join(sorted(OPERATORS))
            yield Problem(pointer(at, name), f"unknown operator {name[:80]!r}; known are {known}")


def build(rule: Any) -> Node:
    """The syntax of a rule that has no problems."""
    if isinstance(rule, list | tuple):
        return Array(tuple(build(item) for item in rule))
    if isinstance(rule, dict) and len(rule) == 1:
        [(operator, values)] = rule.items()
        arguments = values if isinstance(values, list | tuple) else [values]
        return Operation(str(operator), tuple(build(argument) for argument in arguments))
    return Literal(plain(rule))


def plain(value: Any) -> Any:
    """A copy of JSON data in the built-in types, integers beyond 2**53 as doubles."""
    match value:
        case dict():
            return {str(name): plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case str():
            return str(value)
        case bool() | None:
            return value
        case int():
            return int(value) if abs(value) <= 2**53 else double(value)
        case float():
            return float(value)
        case _:
            return value
