"""One text that many messages share, and the lines in which they differ."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import eq
from typing import Final

from journey_pipelines.delivery.providers.message import Message

PARTS: Final = ("html", "text")
LEAST_ALIKE: Final = 0.5  # of the lines of long texts: those that are less alike share nothing worth it
MOST_VARIANTS: Final = 16  # of the long texts of one node, such as its languages


@dataclass(frozen=True)
class Skeleton:
    """Texts with tags where the messages differ, and for each message what its tags stand for."""

    contents: Mapping[str, str]  # html, text
    substitutions: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class _Lines:
    message: Message
    lines: Sequence[str]
    shape: tuple[tuple[str, int], ...]


def alike(messages: Sequence[Message], *, short_bytes: int) -> list[list[Message]]:
    """The messages in groups that a skeleton is worth it for: those of one node with as many lines.

    Long texts, of more than so many bytes, go together only where half of their lines are equal at least.
    """
    nodes: dict[tuple[object, ...], list[tuple[_Lines, list[Message]]]] = {}
    for message in messages:
        here = _lines(message)
        is_long = sum(len(line.encode()) for line in here.lines) > short_bytes
        variants = nodes.setdefault((message.group, here.shape, is_long), [])
        least = LEAST_ALIKE * len(here.lines) if is_long else 0
        fitting = (members for first, members in variants if sum(map(eq, first.lines, here.lines)) >= least)
        members = next(fitting, None)
        if members is None and len(variants) < MOST_VARIANTS:
            variants.append((here, [message]))
        else:
            (variants[-1][1] if members is None else members).append(message)
    return [members for variants in nodes.values() for _, members in variants]


def skeleton_of(messages: Sequence[Message]) -> Skeleton:
    """The skeleton of messages of one group of `alike`.

    A tag is made from the keys, which nobody outside knows, so that no value can hold another value's tag.
    """
    every = [_lines(message) for message in messages]
    first = every[0]
    token = hashlib.sha256("".join(message.key for message in messages).encode()).hexdigest()[:12]
    differing = [
        number for number, column in enumerate(zip(*(one.lines for one in every), strict=True)) if len(set(column)) > 1
    ]
    tags = {number: f"-{token}.{number}-" for number in differing}
    shared = [tags.get(number, line) for number, line in enumerate(first.lines)]
    contents, start = {}, 0
    for part, count in first.shape:
        contents[part] = "\n".join(shared[start : start + count])
        start += count
    return Skeleton(contents, [{tag: one.lines[number] for number, tag in tags.items()} for one in every])


def _lines(message: Message) -> _Lines:
    lines: list[str] = []
    shape = []
    for part in PARTS:
        if text := message.payload.get(part):
            parted = text.split("\n")
            shape.append((part, len(parted)))
            lines += parted
    return _Lines(message, lines, tuple(shape))
