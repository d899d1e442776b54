"""What stops a run's sends when the installation is configured wrongly."""

import threading


class Breaker:
    """Opens after so many requests in a row that failed for the installation's fault, and stays open."""

    def __init__(self, stop_after: int) -> None:
        self._stop_after = stop_after
        self._in_a_row = 0
        self._reason: str | None = None
        self._lock = threading.Lock()

    @property
    def reason(self) -> str | None:
        """Why it is open; None while it is closed."""
        return self._reason

    def note(self, fault: str | None) -> None:
        """Note how a request ended: its fault of configuration, or None."""
        with self._lock:
            self._in_a_row = 0 if fault is None else self._in_a_row + 1
            if fault is not None and self._in_a_row >= self._stop_after:
                self._reason = self._reason or fault
