"""The storms. Each leaves a store that equals the undisturbed one's row by row, or raises AssertionError."""

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from tests.storm.server import Server
from tests.storm.stage import Stage
from tests.storm.world import DAYS, EVENT_DAY, RACED

Outcome = tuple[dict[str, pd.DataFrame], dict[str, list[str]]]
ALL = list(range(len(DAYS)))
HOWS = (signal.SIGKILL, signal.SIGQUIT)
SHORTEST_WINDOW_SECONDS = 0.3


@dataclass
class Storms:
    """Storms over one world; `say` tells how they go on."""

    server: Server
    folder: Path
    customers: int
    chunk_rows: int
    draw: random.Random
    say: Callable[[str], None]
    expected: Outcome = field(init=False)
    seconds: float = field(init=False)  # how long the undisturbed run took
    idle_seconds: float = field(init=False)  # how long a run takes that finds nothing to do
    prefix: str = "round"  # of the rounds' names
    rounds: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        stage = self._stage()
        self.seconds = self._time(stage, ALL)
        self.idle_seconds = self._time(stage, ALL[-1:])
        self.expected = stage.outcome()
        stage.clear()
        tables, files = self.expected
        rows = ", ".join(f"{len(frame):,} {name}" for name, frame in tables.items())
        self.say(
            f"undisturbed: {self.seconds:.1f} seconds; {rows}; {sum(map(len, files.values())):,} lines of messages"
        )

    def kill_clients(self, count: int) -> None:
        """Kill the running process at so many random moments, each time starting another; then let one finish.

        The other one runs the day that was cut off once more, and those after it.
        """
        window, left = self._window(count), count
        while left:
            stage, days, killed = self._stage(), ALL, [0] * len(ALL)
            client = stage.client().await_ready()
            while left and days:
                client.begin(days)
                following = stage.client()  # gets ready meanwhile
                if client.is_over(within=self.draw.uniform(0, window)):
                    client.finish()
                    days = []
                else:
                    days = days[client.kill() :]
                    killed[days[0] if days else ALL[-1]] += 1
                    left -= 1
                    # rows of a session that the server takes for alive are passed over, to be moved a day later
                    following.await_ready()
                    self.server.wait_until_alone()
                client = following
            if days:
                client.begin(days).finish()
            else:
                client.kill()
            self._compare(stage)
            by_day = ", ".join(map(str, killed))
            self.say(
                f"client: {count - left} of {count} kills, by day {by_day}; round {self.rounds} ended in the same rows"
            )

    def kill_servers(self, count: int) -> None:
        """Kill the database at so many random moments of a run, start it again at once; the run must not notice."""
        window, left = self._window(count), count
        while left:
            stage = self._stage()
            client = stage.client().await_ready().begin()
            while left and not client.is_over(within=self.draw.uniform(0, window)):
                self.server.kill(HOWS[left % len(HOWS)])
                self.server.start()
                left -= 1
            client.finish()
            self._compare(stage)
            self.say(f"server: {count - left} of {count} kills, round {self.rounds} ended in the same rows")

    def start_twice(self, count: int) -> None:
        """So many times two runs of the same day together; both end well, and each execution has moved once."""
        left = count
        while left:
            stage = self._stage()
            for day in ALL:
                if left:
                    pair = [stage.client() for _ in range(2)]
                    for client in [client.await_ready() for client in pair]:
                        client.begin([day])
                    for client in pair:
                        client.finish()
                    left -= 1
                stage.run([day])  # what one of the two held while the other passed by
            self._compare(stage)
            self.say(f"together: {count - left} of {count} pairs, round {self.rounds} ended in the same rows")

    def race(self, count: int) -> None:
        """So many times a batch against single customers, each with an advance of its own; some have just bought."""
        for number in range(count):
            stage = self._stage(withholds=RACED)
            stage.run(ALL[:EVENT_DAY])
            pair = [stage.client(), stage.client()]
            for client, days in zip([client.await_ready() for client in pair], ([EVENT_DAY], []), strict=True):
                client.begin(days)
            batch, singles = [client.finish()[0] for client in pair]
            stage.run(ALL[EVENT_DAY:])
            self._compare(stage)
            outcomes = ", ".join(f"{times} {outcome}" for outcome, times in sorted(singles["outcomes"].items()))
            self.say(
                f"race: {number + 1} of {count}, {batch['moved']:,} moves of the batch, single advances {outcomes}; "
                f"round {self.rounds} ended in the same rows"
            )

    @staticmethod
    def _time(stage: Stage, days: list[int]) -> float:
        client = stage.client().await_ready()
        began = time.monotonic()
        client.begin(days).finish()
        return time.monotonic() - began

    def _window(self, count: int) -> float:
        """Seconds within which the next kill comes: inside the run, and about half of the kills in one round.

        Without the time that each run takes before it moves anybody, all kills would hit the same place.
        """
        return self.idle_seconds + max(SHORTEST_WINDOW_SECONDS, min(4 / max(count, 1), 0.8) * self.seconds)

    def _stage(self, *, withholds: int = 0) -> Stage:
        self.rounds += 1
        name = f"{self.prefix}_{self.rounds}"
        return Stage(self.server, self.folder, name, self.customers, self.chunk_rows, withholds)

    def _compare(self, stage: Stage) -> None:
        tables, files = stage.outcome()
        for table, rows in self.expected[0].items():
            pd.testing.assert_frame_equal(tables[table], rows, obj=f"{table} of {stage.name}")
        assert files == self.expected[1], f"the outbox of {stage.name} differs"
        stage.clear()
