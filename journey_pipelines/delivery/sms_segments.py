"""How many segments an SMS takes: networks carry, and providers charge for, segments of 140 bytes.

The alphabet is that of 3GPP TS 23.038, 6.2.1, with its extension table, each of whose characters takes two places. A
text with any other character goes as UTF-16 (UCS-2). A message of several segments has a header in each.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

GSM_7: Final = "GSM-7"
UCS_2: Final = "UCS-2"
ALONE: Final = {GSM_7: 160, UCS_2: 70}  # places of a message of one segment
OF_SEVERAL: Final = {GSM_7: 153, UCS_2: 67}
MOST_SEGMENTS: Final = 10

BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: Final = "\f^{}\\[~]|€"
_GSM_TEXT: Final = re.compile(f"[{re.escape(BASIC + EXTENSION)}]*+")
_EXTENDED: Final = re.compile(f"[{re.escape(EXTENSION)}]")
_ASTRAL: Final = re.compile("[\U00010000-\U0010ffff]")
_TWO_PLACES: Final = {GSM_7: _EXTENDED, UCS_2: _ASTRAL}


@dataclass(frozen=True)
class SmsSizes:
    """Of many messages: the encoding, the places that they take in it, and their segments."""

    encodings: Sequence[str]
    lengths: Sequence[int]
    segments: Sequence[int]


def measured(messages: Sequence[str]) -> SmsSizes:
    """The sizes of these messages, in their order.

    >>> measured(["Price: 5 €", "Привет"])
    SmsSizes(encodings=['GSM-7', 'UCS-2'], lengths=[11, 6], segments=[1, 1])
    """
    encodings = [GSM_7 if _GSM_TEXT.fullmatch(message) else UCS_2 for message in messages]
    doubled = [len(_TWO_PLACES[kind].findall(text)) for kind, text in zip(encodings, messages, strict=True)]
    lengths = [len(message) + more for message, more in zip(messages, doubled, strict=True)]
    segments = [
        1 if length <= ALONE[encoding] else -(-length // OF_SEVERAL[encoding])
        for encoding, length in zip(encodings, lengths, strict=True)
    ]
    for row in [row for row, more in enumerate(doubled) if more and segments[row] > 1]:
        segments[row] = _packed(messages[row], encodings[row])
    return SmsSizes(encodings, lengths, segments)


def _packed(message: str, encoding: str) -> int:
    """Segments of a long message with characters of two places: none of these is cut in two."""
    return _filled((2 if _TWO_PLACES[encoding].match(letter) else 1 for letter in message), OF_SEVERAL[encoding])


def _filled(widths: Iterable[int], places: int) -> int:
    count, used = 1, 0
    for width in widths:
        if used + width > places:
            count, used = count + 1, 0
        used += width
    return count
