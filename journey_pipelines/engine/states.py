"""The states of an execution and the statuses of a dispatch, and no others; what each allows is the engine's to say."""

from typing import Final

UNFINISHED: Final = ("NOT_STARTED", "IN_PROGRESS", "WAITING")
ENDED: Final = ("COMPLETED", "FAILED")
STATES: Final = (*UNFINISHED, *ENDED)

UNSETTLED: Final = ("pending", "sending", "retry", "unknown")
SETTLED: Final = ("sent", "skipped", "failed")
