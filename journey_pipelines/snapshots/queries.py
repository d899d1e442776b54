"""Named queries: one SQL file, one statement, with a heading that says its name and its purpose."""

from pathlib import Path

from journey_pipelines.errors import WarehouseError
from sql.statements import Statement, named_statements

Query = Statement
"""One statement of the warehouse, written by the data team."""


def read_query(path: Path) -> Query:
    """The query of a file. Raises WarehouseError where it is missing or its heading is not that of the contract."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WarehouseError(f"Cannot read the query {path}: {error}. Add the file or mend its encoding.") from error
    found = named_statements(text)
    if len(found) != 1 or not text.startswith("-- name:"):
        raise WarehouseError(f"Query {path} must begin with the two lines `-- name: ...` and `-- purpose: ...`, once.")
    [query] = found
    if query.name != path.stem:
        raise WarehouseError(
            f"Query {path} calls itself {query.name!r}, but its file name says {path.stem!r}; make them the same."
        )
    return query
