"""YAML as the JSON it stands for: `on`, `yes`, dates and times of day stay text, keys are texts, none appears twice."""

import re
from typing import Any, Final

import yaml

from journey_pipelines.errors import Problem, pointer

_TAG: Final = "tag:yaml.org,2002:"
_TEXT: Final = f"{_TAG}str"


class _Loader(yaml.SafeLoader):
    """YAML 1.2's scalars. YAML 1.1, PyYAML's own, reads `on` as true, 21:00 as 1260 and 010 as 8."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as in the base class


for _name, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?", "-0123456789"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
):
    _firsts = [letter if letter != "\0" else "" for letter in _first]
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(rf"^(?:{_pattern})$"), _firsts)


def yaml_value(text: str) -> tuple[Any, list[Problem]]:
    """The value of a YAML text with one document, and every fault found (null in its place)."""
    conversion = _Conversion()
    try:
        root = _Loader(text).get_single_node()
        return (None if root is None else conversion.convert(root, "")), conversion.problems
    except yaml.MarkedYAMLError as error:
        return None, [Problem("", f"is not YAML: {_sentence(error)}")]
    except yaml.YAMLError as error:
        return None, [Problem("", f"is not YAML: {' '.join(str(error).split())}")]
    except RecursionError:
        return None, [Problem("", "is nested too deeply; flatten it")]


class _Conversion:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.seen: set[int] = set()

    def convert(self, node: yaml.Node, at: str) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, at)
        # An alias is the same node again; unfolded, a few lines of them could fill the memory.
        if id(node) in self.seen:
            return self.refuse(node, at, "aliases of mappings and lists are not supported; write the value out")
        self.seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            return [self.convert(item, pointer(at, place)) for place, item in enumerate(node.value)]
        return self.mapping(node, at)

    def mapping(self, node: yaml.Node, at: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.refuse(key_node, at, "a key is not a text; write a text")
                continue
            key = str(key_node.value)
            if key in made:
                self.refuse(key_node, pointer(at, key), "the key appears twice; keep one")
            made[key] = self.convert(value_node, pointer(at, key))
        return made

    def scalar(self, node: yaml.ScalarNode, at: str) -> Any:
        kind = str(node.tag).removeprefix(_TAG)
        text = str(node.value)
        try:
            match kind:
                case "str":
                    return text
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    return int(text)
                case "float":
                    return float(text)
        except ValueError:
            return self.refuse(node, at, f"{text[:40]!r} is no {kind}; correct it or write it in quotes")
        return self.refuse(node, at, f"the tag {str(node.tag)[:40]} is not supported; remove it")

    def refuse(self, node: yaml.Node, at: str, message: str) -> Any:
        self.problems.append(Problem(at, f"{message} (line {node.start_mark.line + 1})"))
        return None


def _sentence(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return f"{' '.join(filter(None, [error.context, error.problem]))}{where}"
