"""Links between pages lead somewhere, and every page can be found from the index."""

import pytest

from tests.docs.pages import ROOT, Page, page, pages


@pytest.mark.parametrize("shown", pages(), ids=lambda shown: shown.name)
def test_links_lead_to_files_and_headings_that_exist(shown: Page) -> None:
    broken = []
    for target in shown.links():
        file, _, anchor = target.partition("#")
        path = (shown.path.parent / file).resolve() if file else shown.path
        is_heading = not anchor or (path.suffix == ".md" and path.is_file() and anchor in Page(path).anchors())
        if not path.exists() or not path.is_relative_to(ROOT) or not is_heading:
            broken.append(target)
    assert broken == []


def test_the_index_leads_to_every_page_of_the_docs() -> None:
    index = page("docs/index.md")
    linked = {(index.path.parent / target.partition("#")[0]).resolve() for target in index.links()}
    expected = {shown.path for shown in pages() if shown.name.startswith("docs/") and shown != index}
    assert sorted(path.name for path in expected - linked) == []
