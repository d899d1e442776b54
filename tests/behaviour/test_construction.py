"""What holds because of how the engine is built: it asks nobody what time it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import journey_pipelines

ROOT = Path(journey_pipelines.__file__).parent
PURE = sorted(path for room in ("engine", "journeys", "rules") for path in (ROOT / room).rglob("*.py"))
CLOCKS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter", "localtime", "gmtime"}
HOLDERS = {"datetime", "date", "time", "Timestamp", "pd", "dt"}


def readings(path: Path) -> Iterator[str]:
    """Calls of a clock in a file, such as `datetime.now`."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in CLOCKS:
            holder = call.func.value
            name = (
                holder.id if isinstance(holder, ast.Name) else holder.attr if isinstance(holder, ast.Attribute) else ""
            )
            if name in HOLDERS:
                yield f"{path.name}:{call.lineno} {name}.{call.func.attr}"


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_engine_reads_no_clock(path: Path) -> None:
    assert list(readings(path)) == []


def test_a_reading_of_the_clock_would_be_found(tmp_path: Path) -> None:
    path = tmp_path / "late.py"
    path.write_text("import datetime\nseen = datetime.datetime.now()\nagain = pd.Timestamp.today()\n")
    assert list(readings(path)) == ["late.py:2 datetime.now", "late.py:3 Timestamp.today"]
