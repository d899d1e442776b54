"""One text that many messages share, and the lines in which they differ."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import eq

from journey_pipelines.delivery.providers.message import Message

PARTS = ("html", "text")
LEAST_ALIKE = 0.5  # of the lines: messages that are less alike share nothing worth it


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


def alike(messages: Sequence[Message]) -> list[list[Message]]:
    """The messages in groups that a skeleton is worth it for: as many lines, and half of them equal at least."""
    groups: list[tuple[_Lines, list[Message]]] = []
    for message in messages:
        here = _lines(message)
        for first, members in groups:
            is_same_shape = first.shape == here.shape and first.message.group == message.group
            if is_same_shape and sum(map(eq, first.lines, here.lines)) >= LEAST_ALIKE * len(here.lines):
                members.append(message)
                break
        else:
            groups.append((here, [message]))
    return [members for _, members in groups]


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
