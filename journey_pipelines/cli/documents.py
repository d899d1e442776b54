"""Journey documents as the command line names them: by a file, by a key, by a version; and with something changed."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from journey_pipelines.cli.installation import installation
from journey_pipelines.errors import NotFoundError, StoreError
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.journeys.yaml_text import yaml_value
from journey_pipelines.reading import Readings

SUFFIXES = (".yaml", ".yml", ".json")


def document_of(name: str, parts: Readings, *, version: int | None = None) -> Mapping[str, Any]:
    """The whole document of a file, or of a journey: its newest published version, or the one that is asked for.

    A journey that was never published is looked for in `journeys/`. Raises NotFoundError where there is none, and what
    checking it raises.
    """
    if name.endswith(SUFFIXES):
        return compile_journey(Path(name), parts.full_catalog).document
    published = _published(name)
    if version is not None:
        found = next((stored for number, stored in published if number == version), None)
        if found is None:
            known = ", ".join(str(number) for number, _ in published) or "none"
            raise NotFoundError(f"journey {name} has no version {version} (known: {known})")
        return found
    if published:
        return published[-1][1]
    for suffix in SUFFIXES:
        file = parts.settings.journeys / f"{name}{suffix}"
        if file.is_file():
            return compile_journey(file, parts.full_catalog).document
    raise NotFoundError(
        f"there is no journey {name}, neither published nor in {parts.settings.journeys}; name a file or a known key"
    )


def with_changes(document: Mapping[str, Any], changes: Sequence[str]) -> Mapping[str, Any]:
    """The document with `PATH=VALUE` changes, such as `nodes.bonus.config.points=200`.

    A step of the path is a key, the id of a node, or the position in a list; the value is YAML. Raises BadParameter for
    a path that leads nowhere.
    """
    changed = copy.deepcopy(dict(document))
    for change in changes:
        path, separator, text = change.partition("=")
        if not separator:
            raise click.BadParameter(
                f"{change!r} has no =; write one such as nodes.bonus.config.points=200", param_hint="--set"
            )
        value, problems = yaml_value(text)
        if problems:
            raise click.BadParameter(f"the value of {path} is wrong: {problems[0]}", param_hint="--set")
        *steps, last = path.split(".")
        place: Any = changed
        for number, step in enumerate(steps):
            place = _within(place, step, ".".join(steps[: number + 1]))
        _put(place, last, value, path)
    return changed


def _within(place: Any, step: str, path: str) -> Any:
    if isinstance(place, dict) and step in place:
        return place[step]
    if isinstance(place, list):
        named = [item for item in place if isinstance(item, dict) and item.get("id") == step]
        if named:
            return named[0]
        if step.isdigit() and int(step) < len(place):
            return place[int(step)]
    raise click.BadParameter(f"there is no {path} in the document; {_known(place)}", param_hint="--set")


def _put(place: Any, step: str, value: Any, path: str) -> None:
    if isinstance(place, dict):
        place[step] = value
    elif isinstance(place, list) and step.isdigit() and int(step) < len(place):
        place[int(step)] = value
    else:
        raise click.BadParameter(f"{path} cannot be set; {_known(place)}", param_hint="--set")


def _known(place: Any) -> str:
    if isinstance(place, dict):
        return f"there is {', '.join(place)}"
    if isinstance(place, list):
        names = [
            str(item.get("id", number)) if isinstance(item, dict) else str(number) for number, item in enumerate(place)
        ]
        return f"there is {', '.join(names)}"
    return f"there is only the value {place!r}"


def _published(key: str) -> list[tuple[int, Mapping[str, Any]]]:
    """Versions and their documents, oldest first; none where no store can be reached."""
    try:
        with installation().store.transaction() as transaction:
            return [(stored.version, stored.document) for stored in transaction.versions(key)]
    except StoreError:
        return []
