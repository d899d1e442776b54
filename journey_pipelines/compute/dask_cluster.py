"""The workers of a Dask cluster that somebody else runs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from journey_pipelines.compute.local_processes import RANGES_PER_WORKER
from journey_pipelines.engine.compute import Item, Result
from journey_pipelines.errors import ComputeError

CONNECT_SECONDS: Final = 30.0
WORKERS_SECONDS: Final = 60.0  # how long a cluster may be without any worker
LOOK_SECONDS: Final = 5.0


class DaskCluster:
    """A cluster by the address of its scheduler (`tcp://host:8786`); connected to when it is first needed.

    Dask gives the work of a lost worker to another one, as often as its setting `allowed-failures` says.
    """

    def __init__(
        self,
        address: str,
        *,
        ranges: int | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        workers_seconds: float = WORKERS_SECONDS,
    ) -> None:
        self._address = address
        self._given_ranges = ranges
        self._connect_seconds = connect_seconds
        self._workers_seconds = workers_seconds
        self._connected: Any = None

    @property
    def ranges(self) -> int:
        """See Compute; a multiple of the workers that there are now. Raises ComputeError where nobody answers."""
        if self._given_ranges is not None:
            return self._given_ranges
        with self._failures():
            # never 1, which would be this process
            return RANGES_PER_WORKER * max(len(self._client().scheduler_info(n_workers=-1)["workers"]), 1)

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """See Compute."""
        given = list(items)
        if not given:
            return
        with self._failures():
            client = self._client()
            # the same work a second time is no result that could be remembered
            futures = client.map(work, given, pure=False)
            try:
                for future in futures:
                    yield self._result(client, future)
            finally:
                client.cancel(futures)

    def close(self) -> None:
        """See Compute."""
        if self._connected is not None:
            self._connected.close()
        self._connected = None

    def _client(self) -> Any:
        if self._connected is None:
            try:
                from distributed import Client
            except ImportError as error:
                raise ComputeError(
                    "JOURNEYS_DASK_SCHEDULER is set, but Dask is not installed; run: "
                    "pip install 'journey-pipelines[dask]'"
                ) from error
            connect: Any = Client
            try:
                self._connected = connect(self._address, timeout=self._connect_seconds, set_as_default=False)
            except (OSError, ValueError) as error:
                raise self._error(error) from error
        return self._connected

    def _result(self, client: Any, future: Any) -> Any:
        """Wait for it as long as there is a worker."""
        look_seconds = min(LOOK_SECONDS, self._workers_seconds)
        alone_seconds = 0.0
        while True:
            try:
                return future.result(timeout=look_seconds)
            except TimeoutError:
                if future.done():
                    return future.result()  # it ended just now, or the work itself raised this
                is_alone = not client.scheduler_info(n_workers=-1)["workers"]
                alone_seconds = alone_seconds + look_seconds if is_alone else 0.0
            if alone_seconds > self._workers_seconds:
                raise ComputeError(
                    f"the Dask cluster at {self._address} has had no worker for {alone_seconds:.0f} seconds; what was "
                    "committed stays. Start workers (dask worker) and run again"
                )

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """What Dask itself raises, in our words; what the work raises passes."""
        try:
            yield
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in ("distributed", "concurrent"):
                raise
            raise self._error(error) from error

    def _error(self, error: Exception) -> ComputeError:
        told = " ".join(str(error).split()) or type(error).__name__
        return ComputeError(
            f"the Dask cluster at {self._address} failed: {told}; what was committed stays. See to its scheduler and "
            "workers, then run again"
        )
