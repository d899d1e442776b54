"""Changes of a journey document by path, as `nodes.bonus.config.points=200`."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from journey_pipelines.errors import JourneysError
from journey_pipelines.journeys.yaml_text import yaml_value


def changed(document: Mapping[str, Any], changes: Sequence[str]) -> Mapping[str, Any]:
    """The document with `PATH=VALUE` changes, such as `nodes.bonus.config.points=200`.

    A step of the path is a key, the id of a node, or the position in a list; the value is YAML. Raises JourneysError
    for a path that leads nowhere.
    """
    copied = copy.deepcopy(dict(document))
    for change in changes:
        path, separator, text = change.partition("=")
        if not separator:
            raise JourneysError(f"{change!r} has no =; write one such as nodes.bonus.config.points=200")
        value, problems = yaml_value(text)
        if problems:
            raise JourneysError(f"the value of {path} is wrong: {problems[0]}")
        *steps, last = path.split(".")
        place: Any = copied
        for number, step in enumerate(steps):
            place = _within(place, step, ".".join(steps[: number + 1]))
        _put(place, last, value, path)
    return copied


def _within(place: Any, step: str, path: str) -> Any:
    if isinstance(place, dict) and step in place:
        return place[step]
    if isinstance(place, list):
        named = [item for item in place if isinstance(item, dict) and item.get("id") == step]
        if named:
            return named[0]
        if step.isdigit() and int(step) < len(place):
            return place[int(step)]
    raise JourneysError(f"there is no {path} in the document; {_known(place)}")


def _put(place: Any, step: str, value: Any, path: str) -> None:
    if isinstance(place, dict):
        place[step] = value
    elif isinstance(place, list) and step.isdigit() and int(step) < len(place):
        place[int(step)] = value
    else:
        raise JourneysError(f"{path} cannot be set; {_known(place)}")


def _known(place: Any) -> str:
    if isinstance(place, dict):
        return f"there is {', '.join(place)}"
    if isinstance(place, list):
        names = [
            str(item.get("id", number)) if isinstance(item, dict) else str(number) for number, item in enumerate(place)
        ]
        return f"there is {', '.join(names)}"
    return f"there is only the value {place!r}"
