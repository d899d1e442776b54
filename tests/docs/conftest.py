from pathlib import Path
from shutil import copyfile

import pytest

from tests.docs.pages import ROOT, page


@pytest.fixture(scope="session")
def project(tmp_path_factory, sample_path) -> Path:
    """A folder as the tutorial leaves it: the sample warehouse in .journeys, and the reader's journey in journeys/."""
    folder = tmp_path_factory.mktemp("project")
    (folder / ".journeys").mkdir()
    copyfile(sample_path, folder / ".journeys" / "warehouse.duckdb")
    (folder / "journeys").mkdir()
    for path in (ROOT / "journeys").glob("*.yaml"):
        (folder / "journeys" / path.name).write_text(path.read_text())
    [document] = page("docs/tutorial.md").blocks("yaml")
    (folder / "journeys" / "thanks.yaml").write_text(document)
    return folder
