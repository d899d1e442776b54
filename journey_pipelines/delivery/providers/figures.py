"""What a channel has done, in numbers that name nobody."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence

from journey_pipelines.delivery.providers.outcomes import Outcome


class Figures:
    """Counts of one provider: requests, and messages by what became of them. Threads share it."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note_request(self) -> None:
        """One request leaves."""
        with self._lock:
            self._counts["requests"] += 1

    def note(self, outcomes: Sequence[Outcome]) -> None:
        """So many messages have their outcome."""
        with self._lock:
            self._counts.update(outcome.status for outcome in outcomes)

    def counts(self) -> Mapping[str, int]:
        """requests, sent, failed, retry, unknown, as far as there are any."""
        with self._lock:
            return dict(sorted(self._counts.items()))
