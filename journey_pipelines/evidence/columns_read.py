"""Column lineage of what journeys decide and send: which columns of which snapshots their rules and messages read."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import Journey
from journey_pipelines.journeys.nodes import ActionNode, ConditionNode
from journey_pipelines.snapshots.parquet import FEATURES, PROFILES, SEGMENTS


@dataclass(frozen=True, order=True)
class ColumnRead:
    """A column of a snapshot: its kind (`features`, `profiles`, `segments/<name>`) and its name."""

    kind: str
    column: str


@dataclass(frozen=True)
class KnownColumns:
    """The columns that the snapshots have."""

    features: Collection[str]
    profiles: Collection[str]

    def read(self, path: str) -> Iterator[ColumnRead]:
        """The column behind a dotted variable; none for what comes from elsewhere, an account or a result, say."""
        head, _, rest = path.partition(".")
        if head == "customer":
            yield from (ColumnRead(PROFILES, name) for name in [rest.split(".")[0]] if name in self.profiles)
        else:
            yield from (ColumnRead(FEATURES, name) for name in {path, head} if name in self.features)


@dataclass
class _Asked:
    """A `catalog.Provided` that notes which variables it is asked for."""

    paths: set[str] = field(default_factory=set)

    def has(self, path: str) -> bool:
        self.paths.add(path)
        return True


def entry_columns(journeys: Iterable[Journey], known: KnownColumns) -> frozenset[ColumnRead]:
    """What decides who enters: the segment, and what the entry rule reads."""
    found = set()
    for journey in journeys:
        found |= {ColumnRead(f"{SEGMENTS}/{name}", "customer_id") for name in journey.segments}
        if journey.entry.rule is not None:
            found |= {read for path in journey.entry.rule.paths for read in known.read(path)}
    return frozenset(found)


def branch_columns(journeys: Iterable[Journey], known: KnownColumns) -> frozenset[ColumnRead]:
    """What the rules of conditions read."""
    conditions = [node for j in journeys for node in j.nodes.values() if isinstance(node, ConditionNode)]
    paths = {path for node in conditions for _, rule in node.branches for path in rule.paths}
    return frozenset(read for path in paths for read in known.read(path))


def payload_columns(journeys: Iterable[Journey], known: KnownColumns, catalog: Catalog) -> frozenset[ColumnRead]:
    """What messages show and where they go: variables without a default, and addresses."""
    asked = _Asked()
    for node in (node for journey in journeys for node in journey.nodes.values()):
        if isinstance(node, ActionNode) and node.parameters is not None:
            action = catalog.actions[node.action_type]
            action.check(node.parameters, asked)
            asked.paths.add(f"customer.{getattr(action, 'address', None)}")
    return frozenset(read for path in asked.paths for read in known.read(path))
