"""Manual starts as rows of the store, from arguments or from a CSV file that is read whole or not at all."""

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from journey_pipelines.engine.frames import STARTS, TIME, conform, iso_texts
from journey_pipelines.errors import JourneysError, Problem, ProblemsError

CUSTOMER: Final = "customer_id"
AT: Final = "at"


class StartRowsError(ProblemsError):
    """A file of starts with bad rows; the path of each is its line."""

    subject = "starts file"


def one_start(journey: str, customer: str, at: datetime, context: Mapping[str, Any]) -> pd.DataFrame:
    """STARTS with one row."""
    return _starts(journey, pd.DataFrame({CUSTOMER: [customer], AT: [pd.Timestamp(at)], "context": [dict(context)]}))


def starts_of_csv(journey: str, path: Path, *, at: datetime, declared: Sequence[str]) -> pd.DataFrame:
    """STARTS, one row for each row of the file: customer_id, at (optional, ISO 8601, else `at`), context in the rest.

    A cell that is a number, true, false or null exactly as JSON writes it is that value, any other is text, an empty
    one is left out. Raises StartRowsError with every bad row, JourneysError for a file or header that cannot be read.
    """
    header, lines = _read(path)
    _check_header(header, path)
    lengths = np.fromiter(map(len, lines), dtype="int64", count=len(lines))
    has_cells = lengths > 0
    is_whole = lengths == len(header)
    whole = [line for line, good in zip(lines, is_whole.tolist(), strict=True) if good]
    cells = pd.DataFrame(whole, columns=header, dtype="str", index=np.flatnonzero(is_whole))
    instants, problems = _check_rows(cells)
    ragged = np.flatnonzero(has_cells & ~is_whole)
    problems += [
        (row, f"has {lengths[row]} cells, expected {len(header)} ({', '.join(header)})") for row in ragged.tolist()
    ]
    undeclared = _undeclared([name for name in header if name not in (CUSTOMER, AT)], declared)
    if problems or undeclared:
        listed = [Problem("row 1", undeclared)] if undeclared else []
        # the header is row 1
        listed += [Problem(f"row {row + 2}", message) for row, message in sorted(problems)]
        raise StartRowsError(listed, name=str(path))
    made = pd.DataFrame(
        {CUSTOMER: cells[CUSTOMER].str.strip(), AT: instants.fillna(pd.Timestamp(at)), "context": _contexts(cells)}
    )
    return _starts(journey, made.reset_index(drop=True))


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file, strict=True))
    except FileNotFoundError as error:
        raise JourneysError(f"there is no file {path}; check the path") from error
    except UnicodeDecodeError as error:
        raise JourneysError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except csv.Error as error:
        raise JourneysError(
            f"{path} is not CSV: {error}; separate cells by commas and quote those that hold one"
        ) from error
    except OSError as error:
        raise JourneysError(f"{path} cannot be read ({error.strerror}); check it") from error
    if not lines:
        raise JourneysError(f"{path} is empty; its first line names the columns, customer_id among them")
    return [name.strip() for name in lines[0]], lines[1:]


def check_context(keys: Sequence[str], declared: Sequence[str]) -> None:
    """Raise JourneysError for a context key that the journey does not declare."""
    undeclared = _undeclared(keys, declared)
    if undeclared:
        raise JourneysError(undeclared)


def _undeclared(keys: Sequence[str], declared: Sequence[str]) -> str:
    unknown = [key for key in keys if key not in declared]
    if not unknown:
        return ""
    return (
        f"the journey's entry.context does not declare {', '.join(map(repr, unknown))} (declared: "
        f"{', '.join(declared) or 'none'}); leave it out, or declare it and publish the journey again"
    )


def _check_header(header: Sequence[str], path: Path) -> None:
    if CUSTOMER not in header:
        raise JourneysError(f"{path} has no column customer_id (found: {', '.join(header)}); name it in the first line")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise JourneysError(f"{path} has the column {', '.join(twice)} more than once; leave one of each")


def _check_rows(cells: pd.DataFrame) -> tuple[Any, list[tuple[int, str]]]:
    """The instants (null where none is given), and the position of each bad row with what is wrong."""
    customers = cells[CUSTOMER].str.strip()
    given = cells[AT].str.strip() if AT in cells else pd.Series("", index=cells.index, dtype="str")
    instants = pd.to_datetime(given.where(given != ""), utc=True, format="ISO8601", errors="coerce").astype(TIME)
    is_bad_time = (given != "") & instants.isna()
    is_nobody = customers == ""
    is_repeated = pd.DataFrame({CUSTOMER: customers, AT: instants}).duplicated() & ~is_nobody & ~is_bad_time
    problems = [(row, "has no customer_id") for row in cells.index[is_nobody].tolist()]
    problems += [
        (row, f"at {text!r} is no time; write one such as 2017-03-01T09:00")
        for row, text in given[is_bad_time].to_dict().items()
    ]
    problems += [
        (row, f"customer {text!r} appears in an earlier row for the same time")
        for row, text in customers[is_repeated].to_dict().items()
    ]
    return instants, problems


def _contexts(cells: pd.DataFrame) -> list[dict[str, Any]]:
    names = [name for name in cells if name not in (CUSTOMER, AT)]
    if not names:
        return [{} for _ in range(len(cells))]
    values = {text: _value(text) for text in pd.unique(cells[names].to_numpy(dtype=object).ravel())}
    return [
        {name: values[text] for name, text in zip(names, line, strict=True) if text != ""}
        for line in cells[names].to_numpy(dtype=object).tolist()
    ]


def _value(text: str) -> Any:
    if text in ("NaN", "Infinity", "-Infinity"):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    is_plain = value is None or isinstance(value, bool | int | float)
    return value if is_plain and json.dumps(value) == text else text


def _starts(journey: str, rows: pd.DataFrame) -> pd.DataFrame:
    timed = rows.assign(at=pd.to_datetime(rows[AT], utc=True).astype(TIME))
    ids = [
        blake2b(f"{journey}\x1f{customer}\x1f{at}".encode(), digest_size=16).hexdigest()
        for customer, at in zip(timed[CUSTOMER].tolist(), iso_texts(timed[AT]), strict=True)
    ]
    return conform(timed.assign(start_id=ids, journey_key=journey, status="waiting"), STARTS)
