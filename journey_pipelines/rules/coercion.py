"""The one home of truthiness and coercion: ECMAScript's ToNumber, ToString, ToPrimitive and parseFloat on JSON values.

A value is None, bool, int, float, str, list or dict of exactly these types (see `json_values`), or UNDEFINED. Integers
are at most 2**53 in size, so that they and the doubles that they stand for compare alike.
"""

import math
import re
from enum import Enum
from typing import Any, Final

from journey_pipelines.rules.faults import RuleEvaluationError, check_text

Value = Any  # a JSON value or UNDEFINED


class Undefined(Enum):
    """ECMAScript's `undefined`: an absent property or argument, which is not null."""

    UNDEFINED = "undefined"

    def __bool__(self) -> bool:
        return False


UNDEFINED: Final = Undefined.UNDEFINED

WHITESPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
INFINITE: Final = re.compile(r"([+-]?)Infinity")
RADIX: Final = re.compile(r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+")
BASES: Final = {"x": 16, "o": 8, "b": 2}


def truthy(value: Value) -> bool:
    """JSONLogic's truthiness: ECMAScript's, but that an empty list is false."""
    if type(value) is dict:
        return True
    # NaN is the one value that differs from itself
    return bool(value) and value == value


def double(number: int | float) -> float:
    """The nearest double; a number beyond the range is infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def text_to_number(text: str) -> float:
    """StringToNumber (ECMA-262 7.1.4.1.1): the whole text or NaN."""
    trimmed = text.strip(WHITESPACE)
    if not trimmed:
        return 0.0
    if DECIMAL.fullmatch(trimmed):
        return float(trimmed)
    if infinite := INFINITE.fullmatch(trimmed):
        return -math.inf if infinite[1] == "-" else math.inf
    if RADIX.fullmatch(trimmed):
        return double(int(trimmed[2:], BASES[trimmed[1].lower()]))
    return math.nan


def to_number(value: Value) -> float:
    """ToNumber (ECMA-262 7.1.4)."""
    kind = type(value)
    if kind is float or kind is int or kind is bool:
        return float(value)
    if kind is str:
        return text_to_number(value)
    if value is None:
        return 0.0
    if value is UNDEFINED:
        return math.nan
    return text_to_number(to_text(value))


def text_prefix_to_number(text: str) -> float:
    """The global parseFloat (ECMA-262 19.2.4): the longest decimal literal that the text begins with, or NaN."""
    trimmed = text.lstrip(WHITESPACE)
    if decimal := DECIMAL.match(trimmed):
        return float(decimal[0])
    if infinite := INFINITE.match(trimmed):
        return -math.inf if infinite[1] == "-" else math.inf
    return math.nan


def parse_float(value: Value) -> float:
    """The global parseFloat of any value: numbers are themselves, but minus zero is zero as its text says."""
    kind = type(value)
    if kind is float or kind is int:
        return float(value) + 0.0
    if kind is bool or value is None or value is UNDEFINED:
        return math.nan
    return text_prefix_to_number(to_text(value))


def to_integer(value: Value) -> float:
    """ToIntegerOrInfinity (ECMA-262 7.1.5), as a float."""
    number = to_number(value)
    if math.isnan(number):
        return 0.0
    return number if math.isinf(number) else float(math.trunc(number))


def number_to_text(number: int | float) -> str:
    """Number::toString (ECMA-262 6.1.6.1.20): shortest digits, exponents from 1e21 up and 1e-7 down."""
    value = double(number)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    return sign + _place_point(digits.rstrip("0"), point)


def _place_point(digits: str, point: int) -> str:
    size = len(digits)
    if size <= point <= 21:
        return digits + "0" * (point - size)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    mantissa = digits if size == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def to_text(value: Value) -> str:
    """ToString (ECMA-262 7.1.17). Raises RuleEvaluationError for an object whose own `toString` hides the method."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if value is None:
        return "null"
    if kind is int or kind is float:
        return number_to_text(value)
    if kind is list:
        return join(value, ",")
    if value is UNDEFINED:
        return "undefined"
    if "toString" in value:
        raise RuleEvaluationError("an object with a key `toString` has no text or number; rename that key in the data")
    return "[object Object]"


def join(values: list[Value] | tuple[Value, ...], separator: str) -> str:
    """Array.prototype.join: null and undefined are empty."""
    parts = ["" if value is None or value is UNDEFINED else to_text(value) for value in values]
    check_text(sum(map(len, parts)) + len(separator) * len(parts))
    return merge_surrogates(separator.join(parts))


def to_primitive(value: Value) -> Value:
    """ToPrimitive (ECMA-262 7.1.1): lists and objects become text."""
    return to_text(value) if type(value) in (list, dict) else value


def to_units(text: str) -> str:
    """The text with one character for each UTF-16 unit."""
    if text.isascii() or max(text) < "\U00010000":
        return text
    encoded = text.encode("utf-16-le", "surrogatepass")
    return "".join(map(chr, memoryview(encoded).cast("H")))


def merge_surrogates(units: str) -> str:
    """The text of UTF-16 units, pairs of surrogates made one character."""
    if units.isascii() or not any("\ud800" <= unit <= "\udfff" for unit in units):
        return units
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
