"""The Jinja that templates may use: an allow-list of syntax, filters and tests, and variables without attributes.

Every dotted variable of a text (`customer.first_name`) becomes one plain name before it is compiled, so that compiled
templates hold no attribute access at all, and each variable is read as one column.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from journey_pipelines.delivery import bounds
from journey_pipelines.delivery.filters import CONCATENATION, DEFAULT_NAMES, FILTERS, OPERATORS, TESTS
from journey_pipelines.delivery.no_value import MissingVariable, NoValue
from journey_pipelines.errors import TemplateError

__all__ = ["DEFAULT_NAMES", "HTML", "PLAIN", "MissingVariable", "NoValue", "Variable", "parse", "printable"]

ALLOWED_NODES: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Filter,
    nodes.Keyword,
    nodes.Test,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Concat,
)


@dataclass(frozen=True)
class Variable:
    """One dotted variable that a text reads."""

    path: str
    has_default: bool  # every read has a default or only asks whether there is a value
    is_always_printed: bool  # no condition stands before some read without a default


@dataclass
class _Reads:
    slot: int
    has_default: bool = True
    is_always_printed: bool = False


class _Binder(NodeTransformer):
    """Refuses what is not allowed and replaces dotted variables by slots `v0`, `v1`, ... in order of appearance."""

    def __init__(self) -> None:
        self.reads: dict[str, _Reads] = {}
        self._is_guarded = False
        self._is_conditional = False
        self._parts = 0
        self._depth = 0

    def variables(self) -> tuple[Variable, ...]:
        return tuple(Variable(path, read.has_default, read.is_always_printed) for path, read in self.reads.items())

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(node, ALLOWED_NODES):
            word = type(node).__name__.lower()
            raise TemplateError(f"line {node.lineno}: `{word}` is not allowed; use variables, filters and `if`")
        self._parts += 1
        if self._parts > bounds.MOST_PARTS:
            raise TemplateError(
                f"line {node.lineno}: the text has more than {bounds.MOST_PARTS} parts; make it simpler"
            )
        if self._depth > bounds.DEEPEST_NESTING:
            raise TemplateError(f"line {node.lineno}: the text is nested too deeply; make it simpler")
        self._depth += 1
        visited = super().visit(node, *args, **kwargs)
        self._depth -= 1
        return visited

    def visit_Const(self, node: nodes.Const) -> nodes.Node:  # noqa: N802 - the visitor's protocol
        value = node.value
        if isinstance(value, str) and (fault := bounds.unsendable(value)):
            raise TemplateError(f"line {node.lineno}: a constant {fault}; remove it")
        if isinstance(value, int) and value.bit_length() > bounds.MOST_BITS:
            raise TemplateError(f"line {node.lineno}: a whole number has more than {bounds.MOST_BITS} bits; shorten it")
        if isinstance(value, float) and not math.isfinite(value):
            raise TemplateError(f"line {node.lineno}: a number is larger than any float; shorten it")
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        parts = nodes.List([self.visit(part) for part in node.nodes], lineno=node.lineno)
        return nodes.Filter(parts, CONCATENATION, [], [], None, None, lineno=node.lineno)

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802
        return self._slot(node)

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:  # noqa: N802
        return self._slot(node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        return self._slot(node)

    def visit_If(self, node: nodes.If) -> nodes.Node:  # noqa: N802
        with self._reading(guarded=True):
            node.test = self.visit(node.test)
        with self._reading(conditional=True):
            node.body = [self.visit(child) for child in node.body]
            node.elif_ = [self.visit(child) for child in node.elif_]
            node.else_ = [self.visit(child) for child in node.else_]
        return node

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:  # noqa: N802
        if node.expr2 is None:
            raise TemplateError(f"line {node.lineno}: an inline `if` needs an `else`, so that it never prints nothing")
        with self._reading(guarded=True):
            node.test = self.visit(node.test)
        with self._reading(conditional=True):
            node.expr1, node.expr2 = self.visit(node.expr1), self.visit(node.expr2)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        with self._reading(guarded=all(operand.op in ("eq", "ne") for operand in node.ops)):
            return self._descend(node)

    def visit_Test(self, node: nodes.Test) -> nodes.Node:  # noqa: N802
        if node.name not in TESTS:
            raise TemplateError(f"line {node.lineno}: unknown test `{node.name}`; known are {', '.join(TESTS)}")
        with self._reading(guarded=True):
            return self._descend(node)

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802
        if node.name not in FILTERS or node.dyn_args is not None or node.dyn_kwargs is not None:
            raise TemplateError(f"line {node.lineno}: unknown filter `{node.name}`; known are {', '.join(FILTERS)}")
        with self._reading(guarded=node.name in DEFAULT_NAMES):
            node.node = self.visit(node.node) if node.node is not None else None
        with self._reading(conditional=node.name in DEFAULT_NAMES):
            node.args = [self.visit(argument) for argument in node.args]
            node.kwargs = [self.visit(argument) for argument in node.kwargs]
        return node

    def _descend(self, node: nodes.Node) -> nodes.Node:
        visited = self.generic_visit(node)
        assert isinstance(visited, nodes.Node)
        return visited

    def _slot(self, node: nodes.Expr) -> nodes.Name:
        path = _dotted(node)
        if len(path) > bounds.LONGEST_NAME:
            most = bounds.LONGEST_NAME
            raise TemplateError(f"line {node.lineno}: the variable `{path[:20]}...` has more than {most} characters")
        read = self.reads.setdefault(path, _Reads(len(self.reads)))
        if not self._is_guarded:
            read.has_default = False
            read.is_always_printed |= not self._is_conditional
        return nodes.Name(f"v{read.slot}", "load", lineno=node.lineno)

    @contextmanager
    def _reading(self, *, guarded: bool = False, conditional: bool = False) -> Iterator[None]:
        before = self._is_guarded, self._is_conditional
        self._is_guarded |= guarded
        self._is_conditional |= conditional
        yield
        self._is_guarded, self._is_conditional = before


def _dotted(node: nodes.Expr) -> str:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr) and not node.attr.startswith("_"):
        return f"{_dotted(node.node)}.{node.attr}"
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        key = node.arg.value
        if isinstance(key, str | int) and not str(key).startswith(("_", "-")):
            return f"{_dotted(node.node)}.{key}"
    raise TemplateError(f"line {node.lineno}: only dotted variables such as `customer.first_name` can be read")


def printable(value: object) -> object:
    """Whole floats print as integers, lists as their elements; a value that is not there cannot be printed."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value) if isinstance(value, Undefined) else value


def _finalized(value: object) -> object:
    bounds.spend(bounds.size_of(value))
    return printable(value)


def _environment(*, is_html: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=is_html, finalize=_finalized, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters = {**FILTERS, **OPERATORS}
    environment.tests = dict(TESTS)
    environment.globals = {}
    return environment


HTML: Final = _environment(is_html=True)
PLAIN: Final = _environment(is_html=False)


def parse(source: str, *, is_html: bool = False) -> tuple[nodes.Template, tuple[Variable, ...]]:
    """The syntax tree of a text with its variables as slots `v0`, `v1`, ..., and what those slots are.

    Raises TemplateError for wrong syntax and for anything that is not on the allow-list.
    """
    if len(source) > bounds.LONGEST_TEMPLATE:
        raise TemplateError(f"the text has {len(source)} characters; at most {bounds.LONGEST_TEMPLATE} are allowed")
    if fault := bounds.unsendable(source):
        raise TemplateError(f"the text {fault}; remove it")
    binder = _Binder()
    try:
        tree = (HTML if is_html else PLAIN).parse(source)
        bound = binder.visit(tree)
    except TemplateSyntaxError as error:
        raise TemplateError(bounds.shortened(f"line {error.lineno}: {error.message}")) from error
    except (RecursionError, MemoryError) as error:
        raise TemplateError("the text is nested too deeply; make it simpler") from error
    except (ValueError, OverflowError) as error:  # of a number that Python cannot read
        raise TemplateError(bounds.shortened(f"a constant cannot be read ({error}); shorten it")) from error
    assert isinstance(bound, nodes.Template)
    return bound, binder.variables()
