"""A rule as people read it: `(spend_30d > 500) and not is_closed`."""

import json
from typing import Any, Final

from journey_pipelines.rules import Rule
from journey_pipelines.rules.syntax import Array, Literal, Node, Operation

INFIX: Final = frozenset({"==", "===", "!=", "!==", ">", ">=", "<", "<=", "in", "and", "or", "+", "-", "*", "/", "%"})
LONGEST: Final = 300  # characters of a rule
LONGEST_VALUE: Final = 80


def rule_text(rule: Rule) -> str:
    """The rule in infix notation, cut where it is very long.

    >>> from journey_pipelines.rules import compile_rule
    >>> rule_text(compile_rule({"and": [{">": [{"var": "spend_30d"}, 500]}, {"!": [{"var": "is_closed"}]}]}))
    '(spend_30d > 500) and not is_closed'
    """
    return _cut(_text(rule.node), LONGEST)


def value_text(value: Any) -> str:
    """A JSON value, cut where it is long.

    >>> value_text(["GROCERY", None]), value_text(True)
    ('["GROCERY", null]', 'true')
    """
    return _cut(json.dumps(value, ensure_ascii=False, default=str), LONGEST_VALUE)


def _text(node: Node) -> str:
    match node:
        case Literal(value):
            return json.dumps(value, ensure_ascii=False, default=str)
        case Array(items):
            return f"[{', '.join(map(_text, items))}]"
        case Operation("var", (Literal(str() as path),)) if path:
            return path
        case Operation("var", (Literal(str() as path), default)) if path:
            return f"{path} (else {_text(default)})"
        case Operation("!", (argument,)):
            return f"not {_inner(argument)}"
        case Operation("!!", (argument,)):
            return _inner(argument)
        case Operation(operator, arguments) if operator in INFIX and len(arguments) > 1:
            return f" {operator} ".join(map(_inner, arguments))
        case Operation(operator, arguments):
            return f"{operator}({', '.join(map(_text, arguments))})"


def _inner(node: Node) -> str:
    is_open = isinstance(node, Operation) and node.operator in INFIX and len(node.arguments) > 1
    return f"({_text(node)})" if is_open else _text(node)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
