"""Reading a journey document (YAML, JSON or Python values) as plain JSON values, with every key a text."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from journey_pipelines.errors import JourneyDocumentError, Problem
from journey_pipelines.journeys.plain import plain
from journey_pipelines.journeys.yaml_text import yaml_value

LARGEST_DOCUMENT: Final = 5_000_000  # characters

Source = Mapping[Any, Any] | Path | str


def read_document(source: Source) -> dict[str, Any]:
    """The document as plain JSON values.

    `source` is a path, a text in YAML or JSON (a text with a line break or a brace), or a mapping. Raises
    JourneyDocumentError where it cannot be read, is no mapping, or holds something that JSON cannot.
    """
    if isinstance(source, Mapping):
        return _document(source, name="")
    if isinstance(source, str) and (not source or "\n" in source or "{" in source):
        return read_text(source)
    if not isinstance(source, str | Path):
        raise _unreadable("", f"expected a mapping, a path or a text, found {type(source).__name__}")
    path = Path(source)
    return read_text(_text_of(path), name=str(path))


def read_text(text: str, *, name: str = "") -> dict[str, Any]:
    """The document in a YAML or JSON text; errors as in `read_document`. `name` appears in messages."""
    if len(text) > LARGEST_DOCUMENT:
        raise _unreadable(name, f"is longer than {LARGEST_DOCUMENT:,} characters; split the journey")
    is_json = name.lower().endswith(".json")
    if is_json or text.lstrip().startswith("{"):
        try:
            return _document(_json_value(text), name=name)
        except RecursionError as error:
            raise _unreadable(name, "is nested too deeply; flatten it") from error
        except ValueError as error:
            # YAML's flow style begins with a brace too.
            if is_json:
                raise _unreadable(name, f"is not JSON: {error}") from error
    return _document(_yaml(text, name), name=name)


def _document(value: Any, *, name: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        found = "nothing" if value is None else type(value).__name__
        raise _unreadable(name, f"expected a mapping with key, name, nodes and edges, found {found}")
    converted, problems = plain(value)
    if problems:
        raise JourneyDocumentError(problems, name=name)
    document: dict[str, Any] = converted
    return document


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > 4 * LARGEST_DOCUMENT:
            raise _unreadable(str(path), f"is longer than {LARGEST_DOCUMENT:,} characters; split the journey")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise _unreadable(str(path), "there is no such file; check the path") from error
    except IsADirectoryError as error:
        raise _unreadable(str(path), "is a folder; name one journey document") from error
    except UnicodeDecodeError as error:
        raise _unreadable(str(path), f"is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except (OSError, ValueError) as error:
        raise _unreadable(str(path), f"cannot be read: {error}") from error


def _yaml(text: str, name: str) -> Any:
    value, problems = yaml_value(text)
    if problems:
        raise JourneyDocumentError(problems, name=name)
    return value


class _Pairs(dict[str, Any]):
    """A JSON object that remembers keys written twice, which a dict would swallow."""

    twice: tuple[str, ...] = ()


def _json_value(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_pairs)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = _Pairs(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        value.twice = tuple(sorted({key for key in keys if keys.count(key) > 1}))
    return value


def _unreadable(name: str, message: str) -> JourneyDocumentError:
    return JourneyDocumentError([Problem("", message)], name=name)
