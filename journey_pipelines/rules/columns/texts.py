"""Numbers of many texts at once, as `coercion` has them for one; no Python function runs once for each row."""

import itertools
import operator
import re
from itertools import compress, repeat
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from journey_pipelines.rules.coercion import DECIMAL, RADIX, WHITESPACE, text_to_number

# float() reads whatever this matches exactly as ECMAScript does
NUMERAL: Final = re.compile(rf"{DECIMAL.pattern}|[+-]?Infinity")

HALF_A_PAIR: Final = re.compile("[\ud800-\udfff]")

Texts = npt.NDArray[np.object_]
Numbers = npt.NDArray[np.float64]


def distinct_texts(texts: Any) -> tuple[npt.NDArray[np.intp], Texts]:
    """The code of each text, -1 for a missing one, and the distinct texts in the order of their codes."""
    codes, found = pd.factorize(texts)
    distinct = np.asarray(found, dtype=object)
    joined = "".join(distinct)
    if "\\ud" not in joined and not HALF_A_PAIR.search(joined):
        return codes, distinct
    # pandas takes half a surrogate pair for the text that Python shows for it
    is_text = np.asarray(codes >= 0)
    own = np.asarray(texts, dtype=object)[is_text]
    known = dict(zip(dict.fromkeys(own), itertools.count()))
    codes[is_text] = np.fromiter(map(known.__getitem__, own), np.intp, len(own))
    return codes, np.fromiter(known, dtype=object, count=len(known))


def texts_to_numbers(texts: Texts) -> Numbers:
    """StringToNumber of each text."""
    codes, distinct = distinct_texts(texts)
    stripped = list(map(str.strip, distinct, repeat(WHITESPACE)))
    numbers = np.full(len(stripped), np.nan)
    is_numeral = _matches(NUMERAL.fullmatch, stripped)
    numbers[is_numeral] = np.fromiter(map(float, compress(stripped, is_numeral)), np.float64)
    numbers[np.fromiter(map(len, stripped), np.int64, len(stripped)) == 0] = 0.0
    is_radix = _matches(RADIX.fullmatch, stripped)
    numbers[is_radix] = np.fromiter(map(text_to_number, compress(stripped, is_radix)), np.float64)
    return np.asarray(numbers[codes])


def prefixes_to_numbers(texts: Texts) -> Numbers:
    """The global parseFloat of each text."""
    codes, distinct = distinct_texts(texts)
    found: list[Any] = list(map(NUMERAL.match, map(str.lstrip, distinct, repeat(WHITESPACE))))
    is_number = np.fromiter(map(bool, found), bool, len(found))
    numbers = np.full(len(found), np.nan)
    numbers[is_number] = np.fromiter(map(float, map(operator.itemgetter(0), compress(found, is_number))), np.float64)
    return np.asarray(numbers[codes])


def _matches(match: Any, texts: list[str]) -> npt.NDArray[np.bool_]:
    return np.fromiter(map(bool, map(match, texts)), bool, len(texts))


def unit_counts(texts: Texts) -> npt.NDArray[np.int64]:
    """The number of UTF-16 units of each text."""
    if "".join(texts).isascii():
        return np.fromiter(map(len, texts), np.int64, len(texts))
    encoded = map(operator.methodcaller("encode", "utf-16-le", "surrogatepass"), texts)
    return np.fromiter(map(len, encoded), np.int64, len(texts)) // 2


def order_keys(texts: Texts) -> npt.NDArray[np.object_]:
    """Objects that compare as the texts do by UTF-16 units: the texts themselves if they are ASCII, else bytes."""
    encoded = map(operator.methodcaller("encode", "utf-16-be", "surrogatepass"), texts)
    return np.fromiter(encoded, dtype=object, count=len(texts))
