"""One journey's fault stays its own: whatever a journey raises holds it for this run, and the others go on."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from journey_pipelines.engine.engine import Pass
from journey_pipelines.engine.ports import RunMode
from journey_pipelines.engine.redaction import redacted, told
from journey_pipelines.errors import ComputeError, StoreUnavailableError

LOGGER = logging.getLogger(__name__)


@contextmanager
def contained(one: Pass, journey_key: str) -> Iterator[None]:
    """Note what the journey raises in the pass's `faults`; the transaction that it broke is rolled back.

    A store or processes that are gone would fail every journey, and a rehearsal is asked by somebody who wants to see
    what breaks: they raise.
    """
    try:
        yield
    except (StoreUnavailableError, ComputeError):
        raise
    except Exception as error:
        if one.run.mode is not RunMode.LIVE:
            raise
        LOGGER.error("journey %s is held by run %s\n%s", journey_key, one.run.run_id, told(error))
        one.faults[journey_key] = f"error: {redacted(' '.join(str(error).split())) or type(error).__name__}"


def together_or_apart(one: Pass, journey_keys: Sequence[str], work: Callable[[Sequence[str]], None]) -> None:
    """Do the work for all journeys at once; where that raises, for one after the other, so that only one is held.

    The order of the keys is that of the queue, so that both ways settle the competition for a cap alike.
    """
    try:
        work(journey_keys)
    except StoreUnavailableError:
        raise
    except Exception:
        if one.run.mode is not RunMode.LIVE:
            raise
        for key in journey_keys:
            with contained(one, key):
                work([key])
