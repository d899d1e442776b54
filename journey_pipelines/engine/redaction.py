"""Texts of errors, without whom they are about: what is logged, and shown in Dagster, names no customer."""

import re
import traceback
from typing import Final

ADDRESS: Final = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
NUMBER: Final = re.compile(r"\+\d(?:[\s().\-/]?\d){6,14}")
ROW: Final = re.compile(r"Failing row contains.*", re.DOTALL)


def redacted(text: str) -> str:
    """The text with `<address>` and `<number>` for e-mail addresses and telephone numbers, and without rows.

    >>> redacted("no such user: ann@example.com or +43 660 1234567")
    'no such user: <address> or <number>'
    >>> redacted('violates a check\\nDETAIL:  Failing row contains (7, Ann, Smith).')
    'violates a check\\nDETAIL:  <row>'
    """
    return NUMBER.sub("<number>", ADDRESS.sub("<address>", ROW.sub("<row>", text)))


def told(error: BaseException) -> str:
    """An error with its traceback, for the log."""
    parts = traceback.format_exception(error)
    return "".join(redacted(part) for part in parts).rstrip()
