"""What goes wrong while a rule runs, and the bounds that keep every rule short and small."""

from typing import Any, Final

from journey_pipelines.errors import JourneysError

MAX_DEPTH: Final = 128  # operators, lists and objects inside one another, in a rule; Python recurses five times as deep
MAX_NODES: Final = 200_000  # JSON values in a rule; a list of customer ids may be long
MAX_TEXT: Final = 1_000_000  # UTF-16 units of a text that a rule makes
MAX_ITEMS: Final = 1_000_000  # elements of a list that a rule makes or goes through, inner lists included
MAX_WORK: Final = 4_000_000  # what one evaluation may look at and make, as `weight` counts; some seconds
MAX_KEPT: Final = 64_000_000  # the same of the values that one evaluation over columns holds at a time
UNITS_A_STEP: Final = 16  # characters that count as one element

HEAVY: Final = frozenset({str, list, dict})  # types of values whose weight is not nothing


class RuleEvaluationError(JourneysError):
    """A rule that cannot be evaluated for some document: where the reference throws, or a bound is passed."""


class TooMuchError(RuleEvaluationError):
    """The values of many rows together are more than is kept at a time; row by row they may not be."""


class BoundedDepth:
    """Raises RuleEvaluationError where data is nested too deep for Python. A class, since it costs less to enter."""

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, RecursionError):
            raise RuleEvaluationError(f"{self._what} is nested too deep for rules; flatten it") from error


def check_text(size: int) -> None:
    """Raise RuleEvaluationError for a text of more than MAX_TEXT units."""
    if size > MAX_TEXT:
        raise RuleEvaluationError(
            f"a rule made a text of {size} units where {MAX_TEXT} are allowed; make its texts shorter"
        )


def check_items(size: int) -> None:
    """Raise RuleEvaluationError for a list of more than MAX_ITEMS elements."""
    if size > MAX_ITEMS:
        raise RuleEvaluationError(
            f"a rule made or went through a list of {size} elements where {MAX_ITEMS} are allowed; make its lists"
            " shorter"
        )


def weight(value: Any) -> int:
    """How many elements and, sixteen for one, characters a value holds, however deep, counted to MAX_WORK or so.

    A part that occurs many times counts as often, since whoever makes a text of the value meets it as often.
    """
    if type(value) is str:
        return len(value) // UNITS_A_STEP
    total = 0
    further = [value]
    while further and total <= MAX_WORK:
        value = further.pop()
        if type(value) is str:
            total += len(value) // UNITS_A_STEP
        elif type(value) is list:
            total += len(value)
            further += [item for item in value if type(item) in HEAVY]
        elif type(value) is dict:
            total += len(value)
            further += [item for item in value.values() if type(item) in HEAVY]
    return total


class Budget:
    """How much work the evaluation for one customer may still do."""

    __slots__ = ("remaining",)

    def __init__(self) -> None:
        self.remaining = MAX_WORK

    @property
    def spent(self) -> int:
        """The steps so far."""
        return MAX_WORK - self.remaining

    def spend(self, steps: int) -> None:
        """Raise RuleEvaluationError when it is more than MAX_WORK altogether."""
        self.remaining -= steps
        if self.remaining < 0:
            raise RuleEvaluationError(
                f"a rule takes more than {MAX_WORK} steps for one customer; nest fewer list operators or make its lists"
                " shorter"
            )


class Pool:
    """How much an evaluation over many rows may still look at, or keep."""

    __slots__ = ("_most", "_remaining")

    def __init__(self, most: int) -> None:
        self._most = self._remaining = most

    def spend(self, steps: int) -> None:
        """Raise TooMuchError when it is more than there was."""
        self._remaining -= steps
        if self._remaining < 0:
            raise TooMuchError(
                f"a rule makes texts and lists of more than {self._most} elements over these rows; evaluate fewer rows"
                " at a time or make less of each"
            )
