"""The Jinja that templates may use: an allow-list of syntax, filters and tests, and variables without attributes.

Every dotted variable of a text (`customer.first_name`) becomes one plain name before it is compiled, so that compiled
templates hold no attribute access at all, and each variable is read as one column.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from journey_pipelines.errors import TemplateError

LONGEST_SOURCE: Final = 262_144  # characters
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
DEFAULT_NAMES: Final = frozenset({"default", "d"})
FILTER_NAMES: Final = (
    "capitalize",
    "escape",
    "e",
    "first",
    "int",
    "join",
    "last",
    "length",
    "lower",
    "replace",
    "round",
    "title",
    "trim",
    "truncate",
    "upper",
)


class MissingVariable(UndefinedError):  # noqa: N818 - a signal between templates and rendering, never an outcome
    """A variable without a value was printed, compared by size or worked on."""


class NoValue(Undefined):
    """Stands for a value that is not there: false in a condition, replaced by `default`, impossible to print.

    `reason` says why the send that needs it fails: `missing_variable: <dotted variable>`.
    """

    __slots__ = ("reason",)

    def __init__(self, path: str, *, reason: str = "") -> None:
        super().__init__(hint=path, name=path, exc=MissingVariable)
        self.reason = reason or f"missing_variable: {path}"

    def __str__(self) -> str:
        raise MissingVariable(self._undefined_name)

    def __iter__(self) -> Iterator[Any]:
        raise MissingVariable(self._undefined_name)

    def __len__(self) -> int:
        raise MissingVariable(self._undefined_name)

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, NoValue)

    def __hash__(self) -> int:
        return hash(None)


@dataclass(frozen=True)
class Variable:
    """One dotted variable that a text reads."""

    path: str
    has_default: bool  # every read has a default or only asks whether there is a value
    is_always_printed: bool  # no condition stands before some read without a default


@dataclass
class _Reads:
    has_default: bool = True
    is_always_printed: bool = False


class _Binder(NodeTransformer):
    """Refuses what is not allowed and replaces dotted variables by slots `v0`, `v1`, ... in order of appearance."""

    def __init__(self) -> None:
        self.reads: dict[str, _Reads] = {}
        self._is_guarded = False
        self._is_conditional = False

    def variables(self) -> tuple[Variable, ...]:
        return tuple(Variable(path, read.has_default, read.is_always_printed) for path, read in self.reads.items())

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(node, ALLOWED_NODES):
            word = type(node).__name__.lower()
            raise TemplateError(f"line {node.lineno}: `{word}` is not allowed; use variables, filters and `if`")
        return super().visit(node, *args, **kwargs)

    def visit_Name(self, node: nodes.Name) -> nodes.Node:  # noqa: N802 - the visitor's protocol
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
        read = self.reads.setdefault(path, _Reads())
        if not self._is_guarded:
            read.has_default = False
            read.is_always_printed |= not self._is_conditional
        return nodes.Name(f"v{list(self.reads).index(path)}", "load", lineno=node.lineno)

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


def _passing_over_no_value(work: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, but a value that is not there stays so, for a later `default`."""

    @wraps(work)
    def passing(*args: Any, **kwargs: Any) -> Any:
        missing = next((argument for argument in args if isinstance(argument, NoValue)), None)
        return work(*args, **kwargs) if missing is None else missing

    return passing


def _default(value: object, replacement: object = "", *, boolean: bool = False) -> object:
    is_replaced = isinstance(value, Undefined) or value is None or (boolean and not value)
    return replacement if is_replaced else value


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    **dict.fromkeys(sorted(DEFAULT_NAMES), _default),
    **{name: _passing_over_no_value(JINJA_FILTERS[name]) for name in FILTER_NAMES},
}
TESTS: Final[Mapping[str, Callable[..., bool]]] = {
    "defined": lambda value: not isinstance(value, Undefined),
    "undefined": lambda value: isinstance(value, Undefined),
    "none": lambda value: value is None or isinstance(value, Undefined),
}


def _environment(*, is_html: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=is_html, finalize=printable, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters = dict(FILTERS)
    environment.tests = dict(TESTS)
    environment.globals = {}
    return environment


HTML: Final = _environment(is_html=True)
PLAIN: Final = _environment(is_html=False)


def parse(source: str, *, is_html: bool = False) -> tuple[nodes.Template, tuple[Variable, ...]]:
    """The syntax tree of a text with its variables as slots `v0`, `v1`, ..., and what those slots are.

    Raises TemplateError for wrong syntax and for anything that is not on the allow-list.
    """
    if len(source) > LONGEST_SOURCE:
        raise TemplateError(f"the text has {len(source)} characters; at most {LONGEST_SOURCE} are allowed")
    binder = _Binder()
    try:
        tree = (HTML if is_html else PLAIN).parse(source)
        bound = binder.visit(tree)
    except TemplateSyntaxError as error:
        raise TemplateError(f"line {error.lineno}: {error.message}") from error
    except RecursionError as error:
        raise TemplateError("the text is nested too deeply; make it simpler") from error
    assert isinstance(bound, nodes.Template)
    return bound, binder.variables()
