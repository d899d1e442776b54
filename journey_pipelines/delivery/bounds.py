"""What rendering one text may cost at most, whatever its template and its values are."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

LONGEST_TEXT: Final = 1_000_000  # characters of a rendered text, and of a value; one beyond it fails its send
LONGEST_TEMPLATE: Final = 262_144  # characters of a source
MOST_WORK: Final = 4 * LONGEST_TEXT  # characters that the filters of a text take and give, and that it prints
MOST_PARTS: Final = 10_000  # texts, variables, constants, filters and conditions of a template
DEEPEST_NESTING: Final = 50
MOST_VALUES: Final = 1_000  # texts and other values in the variables of one config
LONGEST_NAME: Final = 200  # characters of a dotted variable
MOST_BITS: Final = 1_024  # of a whole number; a float's range
LONGEST_REASON: Final = 300

_left: ContextVar[int] = ContextVar("characters_left", default=MOST_WORK)


class TextTooLongError(Exception):
    """One text would become longer, or take more work, than is allowed."""

    def __init__(self) -> None:
        super().__init__(f"the text would be longer than {LONGEST_TEXT:,} characters; shorten what it prints")


@contextmanager
def bounded_work() -> Iterator[None]:
    """What `spend` may spend inside is the work of one text."""
    before = _left.set(MOST_WORK)
    try:
        yield
    finally:
        _left.reset(before)


def spend(characters: int) -> None:
    """Count work before it is done. Raises TextTooLongError where too much of it would have been done."""
    left = _left.get() - characters
    if left < 0:
        raise TextTooLongError
    _left.set(left)


def size_of(value: object) -> int:
    """About how many characters a value has when it is printed; never less than its number of parts."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list | tuple):
        return sum(map(size_of, value)) + 4 * len(value)
    if isinstance(value, Mapping):
        return size_of(list(value)) + size_of(list(value.values()))
    return value.bit_length() // 3 + 1 if isinstance(value, int) else 30


def shortened(reason: str) -> str:
    """A reason as it may stand in a result: it may quote a value, which may be long."""
    return reason if len(reason) <= LONGEST_REASON else reason[:LONGEST_REASON] + "..."


def unsendable(text: str) -> str | None:
    """Why a text can be neither stored nor sent; None where it can."""
    if "\0" in text:
        return "holds a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half of a surrogate pair, which is no text"
    return None
