"""What the message types share: variables that are read before the context, texts, and their checks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from journey_pipelines.delivery.locales import LOCALE_PATHS, variants_of_rows
from journey_pipelines.delivery.printing import Column
from journey_pipelines.delivery.sandbox import NoValue
from journey_pipelines.delivery.template_store import MessageTemplate, merged
from journey_pipelines.delivery.texts import Scope, Text, assemble, render_value, unprovided, values_problems
from journey_pipelines.delivery.unsubscribe import VARIABLE as UNSUBSCRIBE_URL
from journey_pipelines.errors import Problem, TemplateError
from journey_pipelines.journeys.catalog import Provided


def render_message(
    texts: Mapping[str, Text], variables: Mapping[str, JsonValue], scope: Scope, *, shows_variables: bool = False
) -> Sequence[dict[str, Any] | NoValue]:
    """One payload for each dispatch: every text rendered over the variables first, then the context.

    A variable without a value fails its dispatch, unless the texts read it only with a default.
    """
    columns = {name: render_value(value, scope) for name, value in variables.items()}
    inner = scope.within(columns)
    parts: dict[str, Column] = {name: text.column(inner) for name, text in texts.items()}
    reads = merged(*(text.variables for text in texts.values()))
    optional = {variable.path for variable in reads if variable.has_default}
    needed = [column for name, column in columns.items() if name not in optional]
    if shows_variables:
        shown = {name: _nulled(column) if name in optional else column for name, column in columns.items()}
        parts["variables"] = assemble(shown, scope.size)
    return assemble(parts, scope.size, needed=needed)


def render_template(
    template: MessageTemplate,
    texts_of: Callable[[MessageTemplate], Mapping[str, Text]],
    variables: Mapping[str, JsonValue],
    scope: Scope,
    *,
    shows_variables: bool = False,
) -> Sequence[dict[str, Any] | NoValue]:
    """As `render_message`, each dispatch in the variant of the customer's locale."""
    if not template.variants:
        return render_message(texts_of(template), variables, scope, shows_variables=shows_variables)
    columns = [scope.column(path) for path in LOCALE_PATHS]
    payloads: list[dict[str, Any] | NoValue] = [{} for _ in range(scope.size)]
    for locale, rows in variants_of_rows(columns, template.variants).items():
        texts = texts_of(template.in_locale(locale))
        rendered = render_message(texts, variables, scope.of(rows), shows_variables=shows_variables)
        for row, payload in zip(rows, rendered, strict=True):
            payloads[row] = payload
    return payloads


def message_problems(
    texts: Mapping[str, Callable[[], Sequence[Text]]], variables: Mapping[str, JsonValue], provided: Provided
) -> list[Problem]:
    """Faults of the variables and of every text; `texts` maps a JSON pointer to what compiles the texts there."""
    problems = values_problems(variables, "/variables", provided.has)

    def is_provided(path: str) -> bool:
        return path == UNSUBSCRIBE_URL or path.partition(".")[0] in variables or provided.has(path)

    for at, compiled in texts.items():
        try:
            reads = merged(*(text.variables for text in compiled()))
            problems += unprovided(reads, at, is_provided)
        except TemplateError as error:
            problems.append(Problem(at, str(error)))
    return problems


def _nulled(column: Column) -> Column:
    return [None if isinstance(value, NoValue) else value for value in column]
