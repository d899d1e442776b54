"""`journeys report`: the page of a journey, from a store that people went through."""

from pathlib import Path

from tests.cli.project import Project
from tests.cli.test_live_commands import done, refused, waiting_customer


def test_the_page_shows_who_is_where_and_names_nobody(stored: Project, tmp_path: Path) -> None:
    execution_id = waiting_customer(stored)
    page = tmp_path / "by-hand.html"
    assert f"Wrote {page}." in done(stored, "report", "by-hand", "--html", str(page))
    text = page.read_text(encoding="utf-8")
    assert "Started by hand" in text
    assert "1 here" in text
    assert execution_id not in text
    assert "http" not in text.replace("http://www.w3.org/", "")  # the names of SVG's own spaces


def test_a_journey_that_nobody_entered_has_a_page_too(stored: Project, tmp_path: Path) -> None:
    done(stored, "publish", stored.document(name="<script>alert(1)</script>"))
    page = tmp_path / "page.html"
    done(stored, "report", "by-hand", "--html", str(page))
    text = page.read_text(encoding="utf-8")
    assert "None so far." in text
    assert "<script>" not in text


def test_an_unknown_journey_is_named(stored: Project, tmp_path: Path) -> None:
    assert "here is no journey nobody" in refused(stored, "report", "nobody", "--html", str(tmp_path / "x.html"))


def test_a_place_that_cannot_be_written_is_named(stored: Project, tmp_path: Path) -> None:
    done(stored, "publish", stored.document())
    said = refused(stored, "report", "by-hand", "--html", str(tmp_path / "none" / "x.html"))
    assert "x.html cannot be written" in said
