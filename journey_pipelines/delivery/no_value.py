"""What stands for a value that is not there, and the signal that it was needed."""

from collections.abc import Iterator
from typing import Any

from jinja2 import Undefined, UndefinedError


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

    @property
    def path(self) -> str:
        """The dotted variable that has no value."""
        return str(self._undefined_name)

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
