"""What `docs/howto/add-a-feature.md` shows, done to a copy of the queries."""

import re
import shutil
from pathlib import Path

import pytest

from journey_pipelines.snapshots.warehouse import Warehouse
from tests.unit.snapshots.builders import AS_OF

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "add-a-feature.md"


@pytest.fixture
def changed(warehouse, sample_path, tmp_path) -> Warehouse:
    shutil.copytree(warehouse.sql_dir, tmp_path / "sql")
    expression, column, segment, *_ = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    features = tmp_path / "sql" / "features.sql"
    text = features.read_text(encoding="utf-8")
    for line, addition in (("        count(*) as frequency,\n", expression), ("    shopping.frequency,\n", column)):
        text = text.replace(line, line + addition)
    features.write_text(text, encoding="utf-8")
    (tmp_path / "sql" / "segments" / "big_spenders.sql").write_text(segment, encoding="utf-8")
    return Warehouse(f"duckdb:///{sample_path}", tmp_path / "sql")


def test_the_feature_of_the_page_is_there(changed):
    assert "stores_90d" in changed.feature_names()
    assert changed.features(AS_OF)["stores_90d"].max() > 1


def test_the_segment_of_the_page_is_there(changed):
    assert "big_spenders" in changed.segments()
    assert 0 < len(changed.segment("big_spenders", AS_OF)) < 1_000
