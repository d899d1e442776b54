"""Which journey document a name stands for: a file, a published version, a file of the folder `journeys/`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from journey_pipelines.errors import NotFoundError
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.reading import Readings

SUFFIXES: Final = (".yaml", ".yml", ".json")

Published = Callable[[str], Sequence[tuple[int, Mapping[str, Any]]]]
"""Gives the versions of a journey and their documents, oldest first; none where none was published."""


def find_document(name: str, parts: Readings, published: Published, *, version: int | None = None) -> Mapping[str, Any]:
    """The whole document of a file, or of a journey: its newest published version, or the one that is asked for.

    A journey that was never published is looked for in `journeys/`. Raises NotFoundError where there is none, and what
    checking it raises.
    """
    if name.endswith(SUFFIXES):
        return compile_journey(Path(name), parts.full_catalog).document
    versions = published(name)
    if version is not None:
        found = next((stored for number, stored in versions if number == version), None)
        if found is None:
            known = ", ".join(str(number) for number, _ in versions) or "none"
            raise NotFoundError(f"journey {name} has no version {version} (known: {known})")
        return found
    if versions:
        return versions[-1][1]
    for suffix in SUFFIXES:
        file = parts.settings.journeys / f"{name}{suffix}"
        if file.is_file():
            return compile_journey(file, parts.full_catalog).document
    raise NotFoundError(
        f"there is no journey {name}, neither published nor in {parts.settings.journeys}; name a file or a known key"
    )


def journey_keys(parts: Readings, published: Sequence[str]) -> list[str]:
    """The journeys of a project: those that were published, or else those of the documents in `journeys/`, sorted."""
    folder = parts.settings.journeys
    found = {file.stem for file in folder.glob("*") if file.suffix in SUFFIXES}
    if not published and not found:
        raise NotFoundError(f"no journey is published, and {folder} has no document; write one")
    return sorted(published or found)
