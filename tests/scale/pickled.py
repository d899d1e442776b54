"""A compute whose work and items travel as pickles, in one process."""

import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from journey_pipelines.engine.advance import ShardOutcome
from journey_pipelines.engine.compute import InProcess, Item, Result


@dataclass(frozen=True)
class Pickled(InProcess):
    """Work and items as another process would get them; each item twice, as after a crash."""

    done: list[str] = field(default_factory=list)  # the name of the work for each item

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """See Compute."""
        for item in items:
            travelled_work, travelled_item = pickle.loads(pickle.dumps((work, item)))
            first = travelled_work(travelled_item)
            again = travelled_work(travelled_item)
            if isinstance(again, ShardOutcome):
                assert (again.moved, again.faults) == (0, {})
            else:
                assert str(again) == str(first)
            self.done.append(travelled_work.__name__)
            yield pickle.loads(pickle.dumps(first))
