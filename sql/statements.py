"""How the files here are read: statements that each begin with two lines, `-- name: ...` and `-- purpose: ...`."""

import re
from dataclasses import dataclass
from typing import Final

_HEADING: Final = re.compile(r"^-- name: (?P<name>\S+)\n-- purpose: (?P<purpose>.+)\n", re.MULTILINE)


@dataclass(frozen=True)
class Statement:
    """One statement, without its heading and its final semicolon."""

    name: str
    purpose: str
    sql: str


def named_statements(text: str) -> list[Statement]:
    r"""The statements of a file, in order; whatever stands before the first heading belongs to none.

    >>> named_statements("-- name: one\n-- purpose: a number\nselect 1;\n")
    [Statement(name='one', purpose='a number', sql='select 1')]
    """
    headings = list(_HEADING.finditer(text))
    ends = [*(heading.start() for heading in headings), len(text)][1:]
    return [
        Statement(heading["name"], heading["purpose"], text[heading.end() : end].strip().removesuffix(";"))
        for heading, end in zip(headings, ends, strict=True)
    ]
