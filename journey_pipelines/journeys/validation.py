"""What pydantic finds wrong, as problems with JSON pointers and sentences that say what was expected."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from journey_pipelines.errors import Problem, pointer

# Comparing costs microseconds for each name; a hostile document has many.
_MOST_COMPARED: Final = 300

Model = TypeVar("Model", bound=BaseModel)


def read_part(model: type[Model], value: Any, at: str) -> tuple[Model | None, list[Problem]]:
    """The value as a model, or None and every problem, with paths below the pointer `at`."""
    if not isinstance(value, Mapping):
        return None, [Problem(at, f"expected a mapping, found {shown(value)}")]
    try:
        return model.model_validate(dict(value)), []
    except ValidationError as error:
        return None, [_problem(model, details, value, at) for details in error.errors(include_url=False)]


def suggestion(name: str, known: Sequence[str]) -> str:
    """A sentence's end that names the likeliest of what is known, or the first few."""
    close = get_close_matches(name, known, n=1) if len(known) <= _MOST_COMPARED else []
    if close:
        return f"did you mean {close[0]!r}?"
    if not known:
        return "there is none"
    few = ", ".join(sorted(known)[:8])
    return f"known: {few}{', …' if len(known) > 8 else ''}"


def shown(value: Any) -> str:
    """The value for a message, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _steps(location: Sequence[str | int], value: Any, *, is_absent: bool) -> Iterator[str | int]:
    """pydantic's location without the names of unions and validators that it puts between the steps."""
    for number, step in enumerate(location):
        is_key = isinstance(value, Mapping) and step in value
        is_place = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if is_key or is_place:
            value = value[step]
            yield step
        elif is_absent and number == len(location) - 1:
            yield step


def _problem(model: type[BaseModel], details: Any, value: Any, at: str) -> Problem:
    path = pointer(at, *_steps(details["loc"], value, is_absent=details["type"] == "missing"))
    match details["type"]:
        case "missing":
            return Problem(path, "is missing; write it")
        case "extra_forbidden":
            keys = [field.alias or name for name, field in model.model_fields.items()]
            is_top = len(details["loc"]) == 1
            known = f"; {suggestion(str(details['loc'][-1]), keys)}" if is_top else "; remove it"
            return Problem(path, f"unknown key{known}")
        case "value_error":
            return Problem(path, str(details["ctx"]["error"]))
        case "string_pattern_mismatch":
            expected = "expected letters, digits, _ and - only (a journey's key in lower case, no leading -)"
            return Problem(path, f"{shown(details['input'])} is no name here; {expected}")
        case _:
            message = str(details["msg"]).removeprefix("Input ")
            return Problem(path, f"{message}, found {shown(details['input'])}")
