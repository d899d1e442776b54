"""Maps from the nodes of one version to those of another: how they are written, and what makes one impossible."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from journey_pipelines.errors import MigrationMapError, Problem, pointer
from journey_pipelines.journeys.journey import Journey
from journey_pipelines.journeys.nodes import ActionNode, EndNode, Node, StartNode, WaitNode
from journey_pipelines.journeys.validation import shown, suggestion
from journey_pipelines.journeys.yaml_text import yaml_value

END: Final = "end"
KEYS: Final = ("from_version", "to_version", "nodes")
TARGETS: Final[Mapping[str, tuple[str, ...]]] = {
    "start": ("start", "end"),
    "wait": ("wait", "action", "end"),
    "action": ("action", "end"),
}


@dataclass(frozen=True)
class MigrationMap:
    """What becomes of those who stand at the nodes of an older version; who stands elsewhere stays."""

    from_version: int
    to_version: int
    nodes: Mapping[str, str | None]  # node -> node of the newer version; None: their journey ends

    @property
    def moves(self) -> Mapping[str, str]:
        """The nodes that have a successor."""
        return {node: target for node, target in self.nodes.items() if target is not None}

    def fate(self, node_id: str) -> str:
        """`keep`, `end` or `move to NODE`."""
        if node_id not in self.nodes:
            return "keep"
        target = self.nodes[node_id]
        return "end" if target is None else f"move to {target}"


def read_map(source: Path | str) -> MigrationMap:
    """Read a map (a path, or a YAML text). Raises MigrationMapError with all problems of its form.

    >>> read_map("{from_version: 1, to_version: 2, nodes: {pause: day, old: end}}").nodes
    {'pause': 'day', 'old': None}
    """
    name = str(source) if isinstance(source, Path) else ""
    try:
        text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
    except (OSError, UnicodeDecodeError) as error:
        raise MigrationMapError([Problem("", f"cannot be read ({error}); name a YAML file")], name=name) from error
    value, problems = yaml_value(text)
    if not problems and not isinstance(value, dict):
        problems = [Problem("", f"expected a mapping with {', '.join(KEYS)}, found {shown(value)}")]
    found = value if isinstance(value, dict) else {}
    problems = [*problems, *(_form(found) if isinstance(value, dict) else ())]
    if problems:
        raise MigrationMapError(problems, name=name)
    targets = {node: _target(written) for node, written in found["nodes"].items()}
    return MigrationMap(found["from_version"], found["to_version"], targets)


def _form(found: Mapping[str, Any]) -> Iterator[Problem]:
    for key in found:
        if key not in KEYS:
            yield Problem(pointer("", key), f"is not known; {suggestion(key, KEYS)}")
    for key in KEYS[:2]:
        if type(found.get(key)) is not int or found[key] < 1:
            yield Problem(pointer("", key), f"expected the number of a version, found {shown(found.get(key))}")
    nodes = found.get("nodes")
    if not isinstance(nodes, dict) or not nodes:
        yield Problem("/nodes", f"expected a mapping from node to node or to `end`, found {shown(nodes)}")
        return
    for node, target in nodes.items():
        is_target = isinstance(target, str) or (
            isinstance(target, dict) and list(target) == ["to"] and isinstance(target["to"], str)
        )
        if not is_target:
            yield Problem(pointer("/nodes", node), f"expected a node, {{to: node}} or `end`, found {shown(target)}")


def _target(written: str | Mapping[str, str]) -> str | None:
    if isinstance(written, str):
        return None if written == END else written
    return written["to"]


def check_map(made: MigrationMap, old: Journey, new: Journey) -> None:
    """Raises MigrationMapError with everything that cannot be carried out between these two versions."""
    problems: list[Problem] = []
    for node_id, target in made.nodes.items():
        at = pointer("/nodes", node_id)
        node = old.nodes.get(node_id)
        kind = kind_of(node) if node is not None else ""
        if not kind:
            problems.append(Problem(at, f"version {old.version} has no node {node_id!r}; {_known(node_id, old)}"))
        elif kind not in TARGETS:
            problems.append(Problem(at, f"nobody stands at a {kind}; map the waits and actions, and leave it out"))
        if target is None:
            continue
        if target not in new.nodes:
            problems.append(Problem(at, f"version {new.version} has no node {target!r}; {_known(target, new)}"))
        elif kind in TARGETS and kind_of(new.nodes[target]) not in TARGETS[kind]:
            problems.append(
                Problem(
                    at,
                    f"who stands at the {kind} {node_id} cannot be put at the {kind_of(new.nodes[target])} {target}; "
                    f"expected: {', '.join(TARGETS[kind])}",
                )
            )
    if problems:
        raise MigrationMapError(problems)


def kind_of(node: Node) -> str:
    """The type of a node, as documents name it."""
    if isinstance(node, WaitNode):
        return "wait"
    if isinstance(node, ActionNode):
        return "action"
    return {StartNode: "start", EndNode: "end"}.get(type(node)) or type(node).__name__.removesuffix("Node").lower()


def _known(name: str, journey: Journey) -> str:
    return suggestion(name, list(journey.nodes))
