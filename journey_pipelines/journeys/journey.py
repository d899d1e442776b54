"""A compiled journey: a document, found right, in the shape that the engine works with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from journey_pipelines.errors import JourneyDocumentError
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.checks import Inspection, inspect
from journey_pipelines.journeys.compilation import compile_node
from journey_pipelines.journeys.document import read_document
from journey_pipelines.journeys.durations import Duration
from journey_pipelines.journeys.graph import cyclic_nodes, ranks
from journey_pipelines.journeys.graph_checks import graph_of, taken_branch
from journey_pipelines.journeys.models import EntryDocument, ExitDocument, Header
from journey_pipelines.journeys.nodes import Node
from journey_pipelines.rules import Rule


@dataclass(frozen=True)
class Entry:
    """Who enters; with neither segment nor rule only manual starts do."""

    segment: str | None
    on: Literal["join", "member"]
    include_existing: bool
    rule: Rule | None
    reentry: Literal["never", "after_end"] | Duration
    context: tuple[str, ...]


@dataclass(frozen=True)
class Exit:
    """Who leaves before the end."""

    rule: Rule | None
    on_leave_segment: bool


@dataclass(frozen=True)
class Goal:
    """What completes the journey early: an event (that passes `rule` over its fields), or a rule over the context."""

    event: str | None
    rule: Rule | None


@dataclass(frozen=True)
class Journey:
    """One version of a journey."""

    key: str
    name: str
    version: int
    timezone: str
    priority: int
    stale_after: Duration | None
    missing_grace: Duration
    settle_after: Duration
    max_entries_per_run: int | None
    max_sends_per_run: int | None
    entry: Entry
    exit: Exit
    goal: Goal | None
    start: str
    nodes: Mapping[str, Node]  # in the document's order
    ways: Mapping[tuple[str, str | None], str]  # (node, branch) -> next node; branch None is the only or main way
    cyclic: frozenset[str]  # nodes that lie on a cycle
    order: Mapping[str, int]  # lower comes first, as far as cycles let it
    segments: frozenset[str]
    paths: frozenset[str]  # every dotted variable that rules and waits read from features or context
    document: Mapping[str, Any]

    def way(self, node_id: str, branch: str | None = None) -> str | None:
        """The next node, or None where no edge takes this branch."""
        return self.ways.get((node_id, branch))


def compile_journey(document: Mapping[str, Any] | Path | str, catalog: Catalog, *, version: int = 1) -> Journey:
    """Check a document (a mapping, a path or a text) and compile it. Raises JourneyDocumentError with all problems."""
    plain = read_document(document)
    inspection = inspect(plain, catalog)
    draft = inspection.draft
    if inspection.problems or draft.header is None or draft.entry is None or draft.exit is None:
        raise JourneyDocumentError(inspection.problems, name=_name_of(plain))
    graph = graph_of(draft)
    by_id = {node.id: node for node in draft.nodes}
    return Journey(
        **_settings(draft.header),
        version=version,
        entry=_entry(draft.entry, inspection),
        exit=_exit(draft.exit, inspection),
        goal=Goal(draft.goal.event, inspection.rules.get("/goal/rule")) if draft.goal else None,
        start=next(node.id for node in draft.nodes if node.type == "start"),
        nodes={node.id: compile_node(node, inspection) for node in draft.nodes},
        ways={
            (item.edge.source, taken_branch(item, by_id[item.edge.source])): item.edge.target for item in draft.edges
        },
        cyclic=cyclic_nodes(graph),
        order=ranks(graph),
        segments=frozenset({draft.entry.segment} if draft.entry.segment else ()),
        paths=_paths(inspection),
        document=plain,
    )


def _settings(header: Header) -> dict[str, Any]:
    return {name: getattr(header, name) for name in Header.model_fields if name != "description"}


def _entry(entry: EntryDocument, inspection: Inspection) -> Entry:
    return Entry(
        segment=entry.segment,
        on=entry.on,
        include_existing=entry.include_existing,
        rule=inspection.rules.get("/entry/rule"),
        reentry=entry.reentry,
        context=tuple(entry.context),
    )


def _exit(exit_document: ExitDocument, inspection: Inspection) -> Exit:
    return Exit(inspection.rules.get("/exit/rule"), exit_document.on_leave_segment)


def _paths(inspection: Inspection) -> frozenset[str]:
    read = [inspection.rules[site.at].paths for site in inspection.draft.rule_sites() if site.reads != "event"]
    waits = [node.raw["until_attribute"] for node in inspection.draft.nodes if "until_attribute" in node.raw]
    return frozenset().union(*read, waits)


def _name_of(document: Mapping[str, Any]) -> str:
    key = document.get("key")
    return key[:63] if isinstance(key, str) else ""
