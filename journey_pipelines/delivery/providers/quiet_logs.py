"""Loggers of vendors' libraries that show keys, addresses or texts, made quiet."""

import logging


def hush(logger: str, *, above: int = logging.DEBUG) -> None:
    """Let nothing of this logger through at this level or below, whatever its level is set to."""
    named = logging.getLogger(logger)
    if not any(isinstance(found, _Above) for found in named.filters):
        named.addFilter(_Above(above))


class _Above(logging.Filter):
    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > self._level
