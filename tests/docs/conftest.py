from pathlib import Path

import pytest

from journey_pipelines.sample import build_sample_warehouse
from tests.docs.pages import ROOT, page


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Path:
    """A folder as the tutorial leaves it: the sample warehouse in .journeys, and the reader's journey in journeys/."""
    folder = tmp_path_factory.mktemp("project")
    (folder / ".journeys").mkdir()
    build_sample_warehouse(folder / ".journeys" / "warehouse.duckdb")
    (folder / "journeys").mkdir()
    for path in (ROOT / "journeys").glob("*.yaml"):
        (folder / "journeys" / path.name).write_text(path.read_text())
    [document] = page("docs/tutorial.md").blocks("yaml")
    (folder / "journeys" / "thanks.yaml").write_text(document)
    return folder
