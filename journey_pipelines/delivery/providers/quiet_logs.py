"""Loggers of vendors' libraries that show keys, addresses or texts, made quiet."""

import logging


def hush(logger: str, *, above: int = logging.DEBUG) -> None:
    """Let nothing of this logger through at this level or below, whatever its level is set to."""
    named = logging.getLogger(logger)
    if not any(isinstance(found, _Above) for found in named.filters):
        named.addFilter(_Above(above))


def hush_all(library: str) -> None:
    """`hush` for every logger that a library's modules have made so far; a filter does not reach those below it."""
    for name in [name for name in logging.root.manager.loggerDict if f"{name}.".startswith(f"{library}.")]:
        hush(name)


class _Above(logging.Filter):
    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > self._level
