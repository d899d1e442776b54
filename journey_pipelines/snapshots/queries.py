"""Named queries: one SQL file, one statement, with a header that says its name and its purpose."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from journey_pipelines.errors import WarehouseError

_HEADER: Final = re.compile(r"\A-- name: (?P<name>\S+)\n-- purpose: (?P<purpose>.+)\n")


@dataclass(frozen=True)
class Query:
    """One statement of the warehouse, written by the data team."""

    name: str
    purpose: str
    sql: str


def read_query(path: Path) -> Query:
    """The query of a file. Raises WarehouseError where it is missing or its header is not that of the contract."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WarehouseError(f"Cannot read the query {path}: {error}. Add the file or mend its encoding.") from error
    header = _HEADER.match(text)
    if header is None:
        raise WarehouseError(f"Query {path} must begin with the two lines `-- name: ...` and `-- purpose: ...`.")
    if header["name"] != path.stem:
        raise WarehouseError(
            f"Query {path} calls itself {header['name']!r}, but its file name says {path.stem!r}; make them the same."
        )
    return Query(header["name"], header["purpose"], text[header.end() :].strip().removesuffix(";"))
