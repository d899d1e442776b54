"""Processes of this machine, started when they are first needed."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from typing import Any, Final

from journey_pipelines.engine.compute import Item, Result
from journey_pipelines.errors import ComputeError

RANGES_PER_WORKER: Final = 4  # so that nobody waits long for the slowest
MOST_LOSSES: Final = 3  # of the whole pool, for one map


class LocalProcesses:
    """So many processes, which stay until `close` or until this process ends."""

    def __init__(self, workers: int, *, ranges: int | None = None) -> None:
        self._workers = workers
        self._ranges = ranges or workers * RANGES_PER_WORKER
        self._pool: ProcessPoolExecutor | None = None

    @property
    def ranges(self) -> int:
        """See Compute."""
        return self._ranges

    @property
    def processes(self) -> list[BaseProcess]:
        """Those that run now."""
        return [] if self._pool is None else list((self._pool._processes or {}).values())

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """See Compute. When a process dies, all are started anew and what has no result yet is done again."""
        waiting = list(items)
        futures: list[Future[Result]] = []
        losses = 0
        try:
            while waiting:
                try:
                    futures = futures or self._submitted(work, waiting)
                    result = futures[0].result()
                except BrokenProcessPool as error:
                    losses += 1
                    self.close()
                    if losses > MOST_LOSSES:
                        raise _lost(losses, waiting) from error
                    done = [one if _has_result(one) else None for one in futures]
                    futures = self._submitted(work, waiting, done)
                else:
                    del futures[0], waiting[0]
                    yield result
        finally:
            for future in futures:
                future.cancel()
            wait(futures)  # nothing goes on behind the caller's back

    def close(self) -> None:
        """See Compute."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None

    def _submitted(
        self, work: Callable[[Item], Result], items: Sequence[Item], done: Sequence[Future[Result] | None] = ()
    ) -> "list[Future[Result]]":
        """A future for each item: the one that has its result already, or a new one."""
        if self._pool is None:
            # a forked child would inherit locks and connections as they happen to be
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, mp_context=context, initializer=_end_with_parent)
        pool = self._pool
        known = [*done, *[None] * (len(items) - len(done))]
        return [pool.submit(work, item) if one is None else one for item, one in zip(items, known, strict=True)]


def _end_with_parent() -> None:
    """Let a worker end when the process that started it is gone, which it would not notice by itself."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _has_result(future: "Future[Any]") -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _lost(losses: int, waiting: Sequence[object]) -> ComputeError:
    return ComputeError(
        f"processes that moved executions died {losses} times (the system may have run out of memory); the work was "
        f"not finished for {', '.join(map(str, waiting[:3]))}{' and others' if len(waiting) > 3 else ''}. What was "
        "committed stays; set JOURNEYS_WORKERS lower and run again"
    )
