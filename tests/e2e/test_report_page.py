"""The page of `journeys report` in a real browser."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from journey_pipelines.journeys.journey import Journey, compile_journey
from journey_pipelines.report import report_page
from journey_pipelines.store.postgres import PostgresStore
from journey_pipelines.store.postgres.analytics import analytics_of
from tests.behaviour.builders import MARCH
from tests.e2e.browser import page, pictures
from tests.store.six_days import PEOPLE, six_day_journey, six_days

SCRIPT = "</text></svg><script>window.isHacked = true</script><img src=x onerror='window.isHacked = true'>"
ARM = '"><script>window.isHacked = 1</script>'
UNREADABLE = """() => {
    const picture = document.querySelector('svg[role=img]'), frame = picture.getBoundingClientRect();
    const within = (one, other) => one.left >= other.left - 1 && one.right <= other.right + 1
        && one.top >= other.top - 1 && one.bottom <= other.bottom + 1;
    const clipped = [...picture.querySelectorAll('text')].filter(it => !within(it.getBoundingClientRect(), frame));
    const wide = [...picture.querySelectorAll('g')].flatMap(group => {
        const box = group.querySelector('rect').getBoundingClientRect();
        return [...group.querySelectorAll('text')].filter(it => !within(it.getBoundingClientRect(), box));
    });
    const boxes = [...picture.querySelectorAll('rect')].map(it => it.getBoundingClientRect());
    const hidden = [...picture.querySelectorAll('.edge')].filter(it => {
        const own = it.getBoundingClientRect();
        return boxes.some(box => own.left < box.right && own.right > box.left
            && own.top < box.bottom && own.bottom > box.top);
    });
    return [...clipped, ...wide, ...hidden].map(it => it.textContent);
}"""


class Seen:
    """A page, and everything that it complained of or asked for."""

    def __init__(self, shown: Any) -> None:
        self.shown = shown
        self.complaints: list[str] = []
        self.requests: list[str] = []
        shown.on("console", lambda message: self.complaints.append(message.text))
        shown.on("pageerror", lambda error: self.complaints.append(str(error)))
        shown.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        shown.on("request", lambda request: self.requests.append(request.url))

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements, as they are read."""
        return [" ".join(text.split()) for text in self.shown.locator(selector).all_inner_texts()]


def written(store: PostgresStore, document: dict[str, Any], file: Path) -> Journey:
    """Six days of a journey, and their page in a file."""
    passes = six_days(store, document)
    journey = compile_journey(document, passes.engine.catalog)
    found = analytics_of(store, journey.key)
    file.write_text(report_page(journey, found, as_of=MARCH + timedelta(days=5)), encoding="utf-8")
    return journey


@pytest.mark.timeout(120)
def test_the_page_is_whole_and_hostile_names_stay_text(
    program: str, postgres_store: PostgresStore, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    written(postgres_store, six_day_journey(treated=ARM, name=f"Six days {SCRIPT}"), file)
    with page(program, tmp_path / "profile") as shown:
        seen = Seen(shown)
        shown.set_viewport_size({"width": 1280, "height": 900})
        shown.goto(file.as_uri())

        assert seen.texts("h1") == [f"Six days {SCRIPT}"]
        assert shown.locator("script, img, iframe, object, link").count() == 0
        assert shown.evaluate("() => window.isHacked") is None
        assert ARM in shown.locator("table", has_text="difference").inner_text()

        assert shown.locator("svg[role=img]").is_visible()
        counts = [text.split()[-1] for text in shown.locator("svg .edge").evaluate_all(FIRST_TEXTS)]
        assert len(counts) == 6
        assert counts[0] == str(len(PEOPLE))
        assert all(count.isdigit() for count in counts)
        assert shown.evaluate(UNREADABLE) == []

        assert f"start {len(PEOPLE)} 100%" in seen.texts("table >> nth=0 >> tr")
        assert shown.locator(".bar").count() == 6
        assert shown.locator(".plot svg").count() == 2
        for number in range(2):
            box = shown.locator(".plot svg").nth(number).bounding_box()
            assert box["width"] > 900
            assert box["height"] > 150
        titles = ["Flow", "Funnel", "Entries and ends by day", "Sends by day", "Waiting now", "Points"]
        assert seen.texts("h2") == [*titles, "Arms of splits"]
        assert shown.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
        assert seen.complaints == []
        assert seen.requests == [file.as_uri()]


FIRST_TEXTS = "labels => labels.map(label => label.firstChild.textContent)"


@pytest.mark.timeout(120)
def test_the_page_can_be_shown_to_an_analyst(program: str, postgres_store: PostgresStore, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    written(postgres_store, six_day_journey(name="Six days"), file)
    with page(program, tmp_path / "profile") as shown:
        shown.set_viewport_size({"width": 1280, "height": 900})
        shown.goto(file.as_uri())
        picture = pictures(tmp_path) / "report.png"
        shown.screenshot(path=picture, full_page=True)
        assert shown.evaluate(UNREADABLE) == []
    assert picture.stat().st_size > 20_000
