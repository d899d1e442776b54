"""Plan: what a run may touch. Unknown features are found here, before anything moves; guards hold journeys here."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from journey_pipelines.engine.facts import Facts
from journey_pipelines.engine.ports import StoredVersion, StoreTransaction
from journey_pipelines.errors import JourneyDocumentError, UnknownFeatureError
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import Journey, compile_journey

_CONTEXT_HEADS = ("customer_id", "journey_id", "customer", "account", "event")


@dataclass(frozen=True)
class Plan:
    """The journeys of one run: every version that may move, by priority; the newest one takes entries."""

    versions: Mapping[tuple[str, int], Journey]
    newest: Mapping[str, Journey]
    open_keys: frozenset[str]  # live journeys: they take entries
    held: Mapping[str, str] = field(default_factory=dict)  # journey key -> reason

    @property
    def keys(self) -> list[str]:
        """Keys of the journeys that may move and are not held: highest priority first, then by key."""
        free = [journey for key, journey in self.newest.items() if key not in self.held]
        return [j.key for j in sorted(free, key=lambda j: (-j.priority, j.key))]

    def versions_of(self, journey_key: str) -> list[Journey]:
        """Every version of a journey that may move, oldest first."""
        return [j for (key, _), j in sorted(self.versions.items()) if key == journey_key]

    def segments_of(self, journey_key: str) -> frozenset[str]:
        """The segments that any of its versions uses."""
        return frozenset().union(*(j.segments for j in self.versions_of(journey_key)))


def make_plan(transaction: StoreTransaction, catalog: Catalog, facts: Facts) -> Plan:
    """All versions of live and archived journeys that are newest or have unfinished executions, compiled and checked.

    A journey with a version that cannot be compiled any more (its template or action type is gone) is held. Raises
    UnknownFeatureError if one of the others reads a feature that the snapshot lacks altogether.
    """
    stored = [v for v in transaction.versions() if v.status in ("live", "archived")]
    unfinished = transaction.unfinished_versions()
    newest_numbers = {v.journey_key: v.version for v in stored}
    wanted = [
        v
        for v in stored
        if (v.journey_key, v.version) in unfinished
        or (v.status == "live" and v.version == newest_numbers[v.journey_key])
    ]
    versions, held = _compile(wanted, catalog)
    check_features(versions.values(), facts)
    newest = {key: versions[(key, number)] for key, number in _newest(versions).items()}
    return Plan(versions, newest, frozenset(v.journey_key for v in wanted if v.status == "live"), held)


def plan_versions(transaction: StoreTransaction, *, catalog: Catalog, wanted: Collection[tuple[str, int]]) -> Plan:
    """Exactly these (journey key, version), which another process's plan admitted; nobody enters by it."""
    stored = (v for v in transaction.versions() if (v.journey_key, v.version) in wanted)
    versions, held = _compile(stored, catalog)
    newest = {key: versions[(key, number)] for key, number in _newest(versions).items()}
    return Plan(versions, newest, frozenset(), held)


def _compile(
    stored: Iterable[StoredVersion], catalog: Catalog
) -> tuple[dict[tuple[str, int], Journey], dict[str, str]]:
    """The versions that can be compiled, and why the journeys of the others are held."""
    versions, held = {}, {}
    for version in stored:
        try:
            journey = compile_journey(version.document, catalog, version=version.version)
        except JourneyDocumentError as error:
            held[version.journey_key] = (
                f"broken_version: version {version.version}: {'; '.join(map(str, error.problems))}"
            )
        else:
            versions[(version.journey_key, version.version)] = journey
    return {pair: journey for pair, journey in versions.items() if pair[0] not in held}, held


def check_features(journeys: Iterable[Journey], facts: Facts) -> None:
    """Raise UnknownFeatureError for every variable that no feature, context or profile can provide."""
    features = facts.features
    if features is None or not features.rows:
        return  # the guards hold the journeys
    known = frozenset(features.columns)
    problems = [
        f"journey {journey.key} version {journey.version} reads {', '.join(missing)}"
        for journey in journeys
        if (missing := unknown_features(journey, known))
    ]
    if problems:
        raise UnknownFeatureError(
            f"{'; '.join(problems)}, which the feature snapshot of {features.snapshot_date} does not have. Add the "
            "feature to the warehouse's feature query or correct the journey; nothing was moved"
        )


def unknown_features(journey: Journey, known: frozenset[str]) -> Sequence[str]:
    """The variables of a journey that nothing provides, given the snapshot's columns."""
    return sorted(path for path in journey.paths if not _is_provided(path, journey, known))


def _is_provided(path: str, journey: Journey, known: frozenset[str]) -> bool:
    head = path.partition(".")[0]
    return (
        head in known
        or path in known
        or head in _CONTEXT_HEADS
        or head in journey.entry.context
        or head.startswith("action_result_")
        or not path
    )


def _newest(versions: Iterable[tuple[str, int]]) -> dict[str, int]:
    newest: dict[str, int] = {}
    for key, version in versions:
        newest[key] = max(version, newest.get(key, 0))
    return newest
