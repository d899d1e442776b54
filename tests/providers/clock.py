"""Time that passes only when somebody sleeps."""

import threading

from journey_pipelines.delivery.providers.pace import Clock


class StillClock:
    def __init__(self):
        self._now = 1_000.0
        self._lock = threading.Lock()
        self.slept = []

    def now(self):
        return self._now

    def sleep(self, seconds):
        with self._lock:
            self.slept.append(seconds)
            self._now += seconds

    @property
    def clock(self):
        return Clock(self.now, self.sleep)
