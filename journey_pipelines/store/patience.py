"""How long the store tries a transaction again by itself: a bounded number of conflicts, a bounded time of absence."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Patience:
    """The bounds, and how waiting is done; tests put their own `sleep` and `clock` in.

    Pauses double from `first_seconds` to `longest_seconds`, each shortened by a random part of up to a half, so that
    two who met do not meet again.
    """

    conflicts: int = 8  # serialization failures and deadlocks that are tried again
    absent_seconds: float = 60.0  # how long a database that broke off is waited for
    first_seconds: float = 0.05
    longest_seconds: float = 3.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random

    def begin(self) -> "Trial":
        """The patience with one piece of work."""
        return Trial(self)

    def pause(self, number: int) -> None:
        """Wait as long as the pause of this number (from 0) lasts."""
        whole = min(self.first_seconds * 2 ** min(number, 30), self.longest_seconds)
        self.sleep(whole * (1 - self.draw() / 2))


@dataclass
class Trial:
    """What one piece of work has used up of a Patience."""

    patience: Patience
    _conflicts: int = 0
    _losses: int = 0
    _lost_at: float = field(default=0.0)

    def outlasts_conflict(self) -> bool:
        """Wait before another try; False, at once, when there have been enough."""
        if self._conflicts >= self.patience.conflicts:
            return False
        self.patience.pause(self._conflicts)
        self._conflicts += 1
        return True

    def outlasts_loss(self) -> bool:
        """Wait before another try; False, at once, when the database has been away for too long."""
        now = self.patience.clock()
        if not self._losses:
            self._lost_at = now
        if now - self._lost_at >= self.patience.absent_seconds:
            return False
        self.patience.pause(self._losses)
        self._losses += 1
        return True
