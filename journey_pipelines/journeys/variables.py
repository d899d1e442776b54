"""Which variables the rules and templates of a journey can read, and why not."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from journey_pipelines.journeys.validation import suggestion

RESULT_OF: Final = "action_result_"
_ALWAYS: Final = ("customer_id", "journey_id", "customer", "account")


@dataclass(frozen=True)
class Variables:
    """The variables at one place of a journey; a `catalog.Provided`.

    `features` is None where nobody knows them. `result_fault` says why the result of a node (by id) is not to be had
    here, or None. `declared` are the keys of manual starts.
    """

    features: Collection[str] | None
    declared: Collection[str]
    result_fault: Callable[[str], str | None]
    has_context: bool = True  # event, results and start data, which do not exist before entry

    def has(self, path: str) -> bool:
        """Whether a dotted variable is provided by something."""
        return self.fault(path) is None

    def fault(self, path: str) -> str | None:
        """Why nothing provides the variable, or None."""
        head = path.split(".", 1)[0]
        if path == "" or head in _ALWAYS:
            return None
        if head == "event" or head in self.declared or head.startswith(RESULT_OF):
            if not self.has_context:
                return f"{path!r} does not exist before entry; an entry rule reads features, customer and account"
            return self.result_fault(head.removeprefix(RESULT_OF)) if head.startswith(RESULT_OF) else None
        if self.features is None or any(name in self.features for name in _prefixes(path)):
            return None
        known = suggestion(head, sorted({*self.features, *self.declared, *_ALWAYS, "event"}))
        return f"unknown feature {path!r}; {known}"


def _prefixes(path: str) -> list[str]:
    steps = path.split(".")
    return [".".join(steps[:count]) for count in range(1, len(steps) + 1)]
