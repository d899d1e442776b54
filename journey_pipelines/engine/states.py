"""The states of an execution, and no other; what each allows is the engine's to say, not this list's."""

from typing import Final

UNFINISHED: Final = ("NOT_STARTED", "IN_PROGRESS", "WAITING")
ENDED: Final = ("COMPLETED", "FAILED")
STATES: Final = (*UNFINISHED, *ENDED)
