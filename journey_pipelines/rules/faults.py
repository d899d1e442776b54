"""What goes wrong while a rule runs, and the bounds that keep every rule short and small."""

from typing import Final

from journey_pipelines.errors import JourneysError

MAX_DEPTH: Final = 128  # operators, lists and objects inside one another, in a rule; Python recurses five times as deep
MAX_NODES: Final = 200_000  # JSON values in a rule; a list of customer ids may be long
MAX_TEXT: Final = 1_000_000  # UTF-16 units of a text that a rule makes
MAX_ITEMS: Final = 1_000_000  # elements of a list that a rule makes, inner lists included
MAX_STEPS: Final = 1_000_000  # elements that the list operators of a rule visit for one document


class RuleEvaluationError(JourneysError):
    """A rule that cannot be evaluated for some document: where the reference throws, or a bound is passed."""


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
            f"a rule made a list of {size} elements where {MAX_ITEMS} are allowed; make its lists shorter"
        )


class Budget:
    """How many list elements one evaluation may still visit."""

    __slots__ = ("remaining",)

    def __init__(self) -> None:
        self.remaining = MAX_STEPS

    def spend(self, steps: int) -> None:
        """Raise RuleEvaluationError when more than MAX_STEPS elements were visited."""
        self.remaining -= steps
        if self.remaining < 0:
            raise RuleEvaluationError(
                f"a rule visited more than {MAX_STEPS} list elements for one customer; nest fewer list operators"
            )
