"""How fast a provider is asked: a bucket of tokens that counts recipients, and how long a provider asks to wait."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Time for pacing alone; never a time that decides about a customer."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Pace:
    """At most `rate` recipients a second, in bursts of at most a second's worth. Threads share it.

    A request of more recipients than fit into the bucket leaves once the bucket is full, and the next ones wait for it.
    """

    def __init__(self, rate: float, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = clock.now() - 1.0  # the instant from which on nothing is owed; a full bucket is one second ago
        self._held_until = clock.now()

    def hold(self, seconds: float) -> None:
        """Ask nothing for so many seconds, whatever is in the bucket."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock.now() + seconds)

    def take(self, recipients: int, *, patience: float) -> float | None:
        """Wait until so many recipients may be written to. None; or, where a hold lasts longer than `patience`
        seconds, at once how many seconds it still lasts."""
        with self._lock:
            now = self._clock.now()
            held = self._held_until - now
            if held > patience:
                return held
            earned = max(self._free_at, now - 1.0)
            self._free_at = earned + recipients / self._rate
            wait = max(min(self._free_at, earned + 1.0) - now, held, 0.0)
        if wait > 0:
            self._clock.sleep(wait)
        return None
