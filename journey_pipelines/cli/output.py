"""How results look on a terminal: tables, instants, numbers of things, progress bars."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """The rows below their headers, in columns; numbers to the right. A row's cells are texts or integers."""
    texts = [list(headers)] + [[_cell(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    is_number = [bool(rows) and all(isinstance(row[place], int) for row in rows) for place in range(len(headers))]
    lines = [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, is_number, strict=True)
        ).rstrip()
        for line in texts
    ]
    return "\n".join(lines)


def count_of(number: int, noun: str, plural: str | None = None) -> str:
    """`1 customer`, `2,000 customers`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def instant(at: datetime | None) -> str:
    """An instant as people read it, to the minute, in UTC."""
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error that the block moves by calling (what, done, total); silent where nobody looks."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr, item_show_func=_shown) as bar:

        def move(what: str, done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.pos = done
            bar.update(0, what if done < total else None)
            bar.render_progress()

        yield move


def _shown(item: str | None) -> str:
    return item or ""


def _cell(cell: Any) -> str:
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
