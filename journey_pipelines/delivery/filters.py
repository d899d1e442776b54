"""The filters and tests that templates may use: Jinja's, each bounded by the work that one text may cost."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

from jinja2 import TemplateRuntimeError, Undefined, pass_eval_context
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.nodes import EvalContext
from jinja2.runtime import markup_join, str_join

from journey_pipelines.delivery.bounds import MOST_BITS, size_of, spend
from journey_pipelines.delivery.no_value import NoValue

DEFAULT_NAMES: Final = frozenset({"default", "d"})
MOST_PLACES: Final = 20
CONCATENATION: Final = "~"  # the operator runs as a filter, so that it is bounded as well; no text can name it
UNCHANGED: Final = (
    "capitalize",
    "escape",
    "e",
    "first",
    "last",
    "length",
    "lower",
    "title",
    "trim",
    "truncate",
    "upper",
)


def _bounded(work: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, with what it takes and gives counted; a value that is not there stays so, for a later `default`."""

    @wraps(work)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        missing = next((argument for argument in args if isinstance(argument, NoValue)), None)
        if missing is not None:
            return missing
        spend(sum(map(size_of, args)) + sum(map(size_of, kwargs.values())))
        result = work(*args, **kwargs)
        spend(size_of(result))
        return result

    return bounded


def _default(value: object, replacement: object = "", boolean: bool = False) -> object:  # noqa: FBT001, FBT002 - Jinja's signature
    is_replaced = isinstance(value, Undefined) or value is None or (boolean and not value)
    return replacement if is_replaced else value


@pass_eval_context
def _join(context: EvalContext, value: Any, d: object = "") -> Any:
    """Jinja's without `attribute`, which would read attributes of values."""
    parts = list(value)
    spend(len(parts) * size_of(d))
    return JINJA_FILTERS["join"](context, parts, d)


@pass_eval_context
def _replace(context: EvalContext, s: object, old: object, new: object, count: int | None = None) -> Any:
    most = str(s).count(str(old))
    spend((most if count is None or count < 0 else min(most, count)) * size_of(new))
    return JINJA_FILTERS["replace"](context, s, old, new, count)


def _round(value: Any, precision: int = 0, method: Any = "common") -> Any:
    if abs(precision) > MOST_PLACES:
        raise TemplateRuntimeError(f"`round` takes at most {MOST_PLACES} places, found {precision}")
    return JINJA_FILTERS["round"](value, precision, method)


def _int(value: Any, default: int = 0, base: int = 10) -> Any:
    number = JINJA_FILTERS["int"](value, default, base)
    if isinstance(number, int) and number.bit_length() > MOST_BITS:
        raise TemplateRuntimeError(f"`int` makes numbers of at most {MOST_BITS} bits, found {number.bit_length()}")
    return number


@pass_eval_context
def _concatenate(context: EvalContext, parts: list[Any]) -> str:
    spend(2 * size_of(parts))
    return markup_join(parts) if context.autoescape else str_join(parts)


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    **dict.fromkeys(sorted(DEFAULT_NAMES), _default),
    **{name: _bounded(JINJA_FILTERS[name]) for name in UNCHANGED},
    "int": _bounded(_int),
    "join": _bounded(_join),
    "replace": _bounded(_replace),
    "round": _bounded(_round),
}
OPERATORS: Final[Mapping[str, Callable[..., Any]]] = {CONCATENATION: _concatenate}
TESTS: Final[Mapping[str, Callable[..., bool]]] = {
    "defined": lambda value: not isinstance(value, Undefined),
    "undefined": lambda value: isinstance(value, Undefined),
    "none": lambda value: value is None or isinstance(value, Undefined),
}
