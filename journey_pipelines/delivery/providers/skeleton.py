"""One text that many messages share, and the lines in which they differ."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import eq
from typing import Final

from journey_pipelines.delivery.providers.message import Message

LEAST_ALIKE: Final = 0.5  # of the lines of long texts: those that are less alike share nothing worth it
MOST_TAG_BYTES: Final = 24
MOST_VARIANTS: Final = 16  # of the long texts of one node, such as its languages


@dataclass(frozen=True)
class Skeleton:
    """Texts with tags where the messages differ, and for each message what its tags stand for."""

    contents: Mapping[str, str]  # html, text
    substitutions: Sequence[Mapping[str, str]]


def alike(messages: Sequence[Message], *, short_bytes: int) -> list[list[Message]]:
    """The messages in groups that a skeleton is worth it for: those of one node with as many lines.

    Long texts, of more than so many bytes, go together only where half of their lines are equal at least.
    """
    nodes: dict[tuple[object, ...], list[list[Message]]] = {}
    for message in messages:
        is_long = message.parted.size > short_bytes
        variants = nodes.setdefault((message.group, message.parted.shape, is_long), [])
        members = _first_fitting(variants, message) if is_long else next(iter(variants), None)
        if members is None and len(variants) < MOST_VARIANTS:
            variants.append([message])
        else:
            (variants[-1] if members is None else members).append(message)
    return [members for variants in nodes.values() for members in variants]


def skeleton_of(messages: Sequence[Message]) -> Skeleton:
    """The skeleton of messages of one group of `alike`.

    A tag is made from the keys, which nobody outside knows, so that no value can hold another value's tag.
    """
    first = messages[0].parted
    token = hashlib.sha256("".join(message.key for message in messages).encode()).hexdigest()[:12]
    every = [message.parted.lines for message in messages]
    columns = zip(*every, strict=True)
    differing = [number for number, column in enumerate(columns) if column.count(column[0]) < len(column)]
    tags = {number: f"-{token}.{number}-" for number in differing}
    shared = [tags.get(number, line) for number, line in enumerate(first.lines)]
    contents, start = {}, 0
    for part, count in first.shape:
        contents[part] = "\n".join(shared[start : start + count])
        start += count
    return Skeleton(contents, [{tag: lines[number] for number, tag in tags.items()} for lines in every])


def most_substitution_bytes(message: Message) -> int:
    """The bytes of a message's substitutions where each of its lines differs from the others'."""
    return message.parted.size + MOST_TAG_BYTES * len(message.parted.lines)


def _first_fitting(variants: Sequence[list[Message]], message: Message) -> list[Message] | None:
    least = LEAST_ALIKE * len(message.parted.lines)
    return next(
        (members for members in variants if sum(map(eq, members[0].parted.lines, message.parted.lines)) >= least), None
    )
