"""Texts that only print variables, as most do: joined column-wise, without a call of Jinja for each row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jinja2 import nodes

from journey_pipelines.delivery.bounds import LONGEST_TEXT, TextTooLongError
from journey_pipelines.delivery.sandbox import DEFAULT_NAMES, NoValue, printable

Column = Sequence[object]
NO_DEFAULT: Final = object()


@dataclass(frozen=True)
class Read:
    """One variable, by its slot, and what stands in where it has no value."""

    slot: int
    default: object = NO_DEFAULT

    def values(self, columns: Sequence[Column]) -> Column:
        """One value for each row; a NoValue where there is neither value nor default."""
        if self.default is NO_DEFAULT:
            return columns[self.slot]
        return [self.default if type(value) is NoValue else value for value in columns[self.slot]]


@dataclass(frozen=True)
class Pattern:
    """A text as a %-format and the variables that fill it."""

    format: str
    reads: tuple[Read, ...]
    is_html: bool

    def print(self, columns: Sequence[Column]) -> list[object]:
        """One text for each row; the first NoValue of a row where a value is missing."""
        filled = [read.values(columns) for read in self.reads]
        printed = [_printed(column, is_html=self.is_html) for column in filled]
        too_long = self._too_long(printed)
        for row in too_long:
            for texts_of_read in printed:
                texts_of_read[row] = ""
        texts: list[object] = [self.format % row for row in zip(*printed, strict=True)]
        for row in too_long:
            texts[row] = NoValue("", reason=f"text_too_long: {TextTooLongError()}")
        for column in reversed(filled):
            for row in [row for row, value in enumerate(column) if type(value) is NoValue]:
                texts[row] = column[row]
        return texts

    def _too_long(self, printed: Sequence[Sequence[str]]) -> Sequence[int]:
        """The rows whose text would be longer than is allowed, found without making it."""
        constant = len(self.format % (("",) * len(self.reads)))
        if constant + sum(max(map(len, column), default=0) for column in printed) <= LONGEST_TEXT:
            return []
        lengths = np.zeros(len(printed[0]), dtype="int64")
        for column in printed:
            lengths += np.fromiter(map(len, column), dtype="int64", count=len(column))
        rows: list[int] = np.flatnonzero(lengths + constant > LONGEST_TEXT).tolist()
        return rows


def pattern_of(tree: nodes.Template, *, is_html: bool) -> Pattern | None:
    """The pattern of a bound template; None where it holds more than texts, variables and defaults."""
    form: list[str] = []
    reads: list[Read] = []
    for output in tree.body:
        if not isinstance(output, nodes.Output):
            return None
        for part in output.nodes:
            if isinstance(part, nodes.TemplateData):
                form.append(part.data.replace("%", "%%"))
            elif (read := read_of(part)) is not None:
                form.append("%s")
                reads.append(read)
            else:
                return None
    return Pattern("".join(form), tuple(reads), is_html)


def read_of(expression: nodes.Node) -> Read | None:
    """A bound expression that is one variable, perhaps with a constant default; None for anything else."""
    if isinstance(expression, nodes.Name):
        return Read(int(expression.name[1:]))
    if not isinstance(expression, nodes.Filter) or expression.name not in DEFAULT_NAMES or expression.kwargs:
        return None
    if not isinstance(expression.node, nodes.Name) or len(expression.args) != 1:
        return None
    [default] = expression.args
    return Read(int(expression.node.name[1:]), default.value) if isinstance(default, nodes.Const) else None


def _printed(column: Column, *, is_html: bool) -> list[str]:
    kinds = set(map(type, column))
    if not kinds <= {str, int, float, bool, NoValue}:
        column = [value if type(value) in (str, NoValue) else printable(value) for value in column]
    if float in kinds:
        column = [int(value) if type(value) is float and value.is_integer() else value for value in column]
    texts = ["" if type(value) is NoValue else str(value) for value in column]
    if not is_html:
        return texts
    # what markupsafe.escape does, without its call for each row
    return [
        text.replace("&", "&amp;").replace(">", "&gt;").replace("<", "&lt;").replace("'", "&#39;").replace('"', "&#34;")
        for text in texts
    ]
