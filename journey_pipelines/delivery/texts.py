"""Texts with variables, compiled once and rendered as columns: one value for each dispatch."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Environment, Template, Undefined, nodes

from journey_pipelines.delivery.bounds import (
    LONGEST_TEXT,
    MOST_VALUES,
    TextTooLongError,
    bounded_work,
    shortened,
    size_of,
    spend,
    unsendable,
)
from journey_pipelines.delivery.html_places import check_places
from journey_pipelines.delivery.printing import Column, pattern_of, read_of
from journey_pipelines.delivery.sandbox import HTML, PLAIN, MissingVariable, NoValue, Variable, parse
from journey_pipelines.delivery.sendable import fault_of
from journey_pipelines.errors import Problem, TemplateError, pointer


class Scope:
    """What texts read: columns of values behind dotted names, one value for each dispatch of a node."""

    def __init__(self, size: int, read: Callable[[str], Column]) -> None:
        self.size = size
        self._read = read

    def column(self, path: str) -> Column:
        """One value for each dispatch; a NoValue where there is none."""
        return self._read(path)

    def of(self, rows: Sequence[int]) -> "Scope":
        """The scope of some of the dispatches, by position."""

        def read(path: str) -> Column:
            column = self._read(path)
            return [column[row] for row in rows]

        return Scope(len(rows), read)

    def within(self, bound: Mapping[str, Column]) -> "Scope":
        """The scope of a template: the config's variables first, then everything that was readable before."""

        def read(path: str) -> Column:
            head, *rest = path.split(".")
            if head not in bound:
                return self._read(path)
            return [dig(value, rest, path) for value in bound[head]] if rest else bound[head]

        return Scope(self.size, read)


class Text:
    """One compiled text. `keeps_type`: a text that is a single expression gives its value, not its print."""

    def __init__(self, source: str, *, is_html: bool = False, keeps_type: bool = False) -> None:
        tree, self.variables = parse(source, is_html=is_html)
        if is_html:
            check_places(tree)
        expression = _single_expression(tree) if keeps_type else None
        self._slots = [f"v{number}" for number in range(len(self.variables))]
        self._is_expression = expression is not None
        self._read = None if expression is None else read_of(expression)
        self._pattern = pattern_of(tree, is_html=is_html) if expression is None else None
        if expression is not None:
            tree = nodes.Template([nodes.Assign(nodes.Name("value", "store"), expression, lineno=1)], lineno=1)
        self._template = _compiled(tree, HTML if is_html else PLAIN)
        self.constant = self._render(()) if not self.variables else None  # the text of one without variables
        if isinstance(self.constant, NoValue):
            raise TemplateError(f"the text can never be rendered: {self.constant.reason}")

    def column(self, scope: Scope) -> Column:
        """One rendered value for each dispatch; a NoValue with its reason where a variable is missing."""
        if not self.variables:
            return [self._render(())] * scope.size
        columns = [scope.column(variable.path) for variable in self.variables]
        if self._read is not None:
            return self._read.values(columns)
        if self._pattern is not None:
            return self._pattern.print(columns)
        return [self._render(row) for row in zip(*columns, strict=True)]

    def _render(self, row: tuple[object, ...]) -> object:
        values = dict(zip(self._slots, row, strict=True))
        try:
            with bounded_work():
                return self._value(values) if self._is_expression else self._print(values)
        except MissingVariable as error:
            name = str(error)
            return next((value for value in row if type(value) is NoValue and value.path == name), NoValue(name))
        except TextTooLongError as error:
            return NoValue("", reason=f"text_too_long: {error}")
        except Exception as error:  # noqa: BLE001 - filters meet values that nobody foresaw; this one send fails
            return NoValue("", reason=shortened(f"template_error: {error or type(error).__name__}"))

    def _value(self, values: dict[str, object]) -> object:
        value: object = vars(self._template.make_module(values))["value"]
        if size_of(value) > LONGEST_TEXT:
            raise TextTooLongError
        return _with_values(value)

    def _print(self, values: dict[str, object]) -> str:
        parts: list[str] = []
        for part in self._template.root_render_func(self._template.new_context(values)):
            spend(len(part))
            parts.append(part)
        text = "".join(parts)
        if len(text) > LONGEST_TEXT:
            raise TextTooLongError
        return text


def _compiled(tree: nodes.Template, environment: Environment) -> Template:
    tree.set_environment(environment)
    try:
        with bounded_work():  # Jinja works constants out when it compiles
            return environment.from_string(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError, TextTooLongError) as error:
        raise TemplateError(shortened(f"the text cannot be compiled ({error}); make it simpler")) from error


def _with_values(value: object) -> object:
    """The value of an expression as it may stand in a payload. Raises MissingVariable for a part that has none."""
    if isinstance(value, NoValue):
        return value
    if isinstance(value, Undefined):
        str(value)  # says which
    if isinstance(value, list | tuple):
        return [part if not isinstance(part := _with_values(each), NoValue) else str(part) for each in value]
    return value


@lru_cache(maxsize=4096)
def compile_text(source: str, *, is_html: bool = False, keeps_type: bool = False) -> Text:
    """A compiled text, shared by all who have the same source. Raises TemplateError."""
    return Text(source, is_html=is_html, keeps_type=keeps_type)


def render_value(value: object, scope: Scope) -> Column:
    """One value for each dispatch of a JSON value whose texts may hold variables. Raises TemplateError.

    A text that is exactly one expression keeps the type of its value: "{{account.points_balance}}" is a number.
    """
    if isinstance(value, str):
        return compile_text(value, keeps_type=True).column(scope)
    if isinstance(value, Mapping):
        return assemble({str(key): render_value(child, scope) for key, child in value.items()}, scope.size)
    if isinstance(value, list):
        parts = assemble({str(at): render_value(child, scope) for at, child in enumerate(value)}, scope.size)
        return [row if isinstance(row, NoValue) else list(row.values()) for row in parts]
    return [value] * scope.size


def assemble(
    parts: Mapping[str, Column], size: int, *, needed: Sequence[Column] = ()
) -> list[dict[str, Any] | NoValue]:
    """One dict for each dispatch, or the first NoValue among its parts and the `needed` columns."""
    rows: list[dict[str, Any] | NoValue] = [{} for _ in range(size)]
    if parts:
        names = list(parts)
        rows = [dict(zip(names, row, strict=True)) for row in zip(*parts.values(), strict=True)]
    for column in reversed([*needed, *parts.values()]):
        for row in [row for row, value in enumerate(column) if isinstance(value, NoValue)]:
            missing = column[row]
            assert isinstance(missing, NoValue)
            rows[row] = missing
    return rows


def values_problems(value: object, at: str, is_provided: Callable[[str], bool]) -> list[Problem]:
    """As `text_problems`, and a problem where there are more values than one payload may hold."""
    if (count := _count(value)) > MOST_VALUES:
        return [Problem(at, f"there are {count} values; at most {MOST_VALUES} are allowed: shorten the list")]
    return list(text_problems(value, at, is_provided))


def _count(value: object) -> int:
    if isinstance(value, Mapping):
        return sum(map(_count, value.values()))
    return sum(map(_count, value)) if isinstance(value, list) else 1


def text_problems(value: object, at: str, is_provided: Callable[[str], bool]) -> Iterator[Problem]:
    """Faults of every text inside a JSON value: bad syntax, variables without default that nothing provides."""
    if isinstance(value, str):
        try:
            variables = compile_text(value, keeps_type=True).variables
        except TemplateError as error:
            yield Problem(at, str(error))
        else:
            yield from unprovided(variables, at, is_provided)
    elif isinstance(value, Mapping):
        for key, child in value.items():
            if fault := unsendable(str(key)):
                yield Problem(at, f"the name {key!r} {fault}; correct it")
            yield from text_problems(child, pointer(at, str(key)), is_provided)
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from text_problems(child, pointer(at, number), is_provided)
    elif fault := fault_of(value):
        yield Problem(at, f"the value {fault}; correct it")


def unprovided(variables: Iterable[Variable], at: str, is_provided: Callable[[str], bool]) -> Iterator[Problem]:
    """A problem for each variable without default that nothing provides."""
    for variable in variables:
        if not variable.has_default and not is_provided(variable.path):
            hint = f'provide it or write {{{{{variable.path}|default("...")}}}}'
            yield Problem(at, f"nothing provides the variable `{variable.path}`; {hint}")


def _single_expression(tree: nodes.Template) -> nodes.Expr | None:
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output) or len(tree.body[0].nodes) != 1:
        return None
    only = tree.body[0].nodes[0]
    return None if isinstance(only, nodes.TemplateData) else only


def dig(value: object, keys: Sequence[str], path: str) -> object:
    """The value behind further keys of a dotted name; a NoValue where there is none."""
    for key in keys:
        if isinstance(value, NoValue):
            return value
        if isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is None:
            return NoValue(path)
    return value
