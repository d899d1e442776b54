from pathlib import Path

import pytest

from journey_pipelines.delivery.actions import load_actions
from journey_pipelines.delivery.locales import chosen
from journey_pipelines.delivery.template_store import TemplateStore
from journey_pipelines.errors import JourneyDocumentError
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import compile_journey
from tests.unit.delivery.builders import departed, dispatches
from tests.unit.journeys.builders import journey

EMAIL = {"subject": "S", "template": "hello", "variables": {"name": "{{customer.first_name}}"}}


@pytest.fixture
def templates(tmp_path: Path) -> TemplateStore:
    (tmp_path / "hello.html").write_text("<p>Hello {{name}}</p>")
    (tmp_path / "hello.de.html").write_text("<p>Hallo {{name}}</p>")
    (tmp_path / "hello.de_AT.txt").write_text("Servus {{name}}")
    (tmp_path / "hello.fr.txt").write_text("Bonjour {{name}}")
    return TemplateStore(tmp_path)


def texts(templates, action_type="send_email", config=EMAIL, **profile):
    """The text of each customer's message; profiles as columns."""
    columns = {f"customer.{name}": values for name, values in profile.items()}
    size = len(next(iter(columns.values())))
    columns |= {
        "customer.email": ["a@example.com"] * size,
        "customer.phone": ["+15550100"] * size,
        "customer.first_name": [f"c{number}" for number in range(size)],
    }
    frame = dispatches(*[action_type] * size)
    departure = departed(frame, config, columns, actions=load_actions(templates))
    assert departure.leaving["customer_id"].tolist() == [f"c{number}" for number in range(size)]
    return [payload.get("text", payload.get("message")) for payload in departure.leaving["payload"]]


def test_each_customer_reads_the_variant_of_their_locale(templates):
    locales = ["de", "en", "de-AT", "fr-CA", "de-CH", None, "fr"]
    assert texts(templates, locale=locales) == [
        "Hallo c0",
        "Hello c1",
        "Servus c2",
        "Bonjour c3",
        "Hallo c4",
        "Hello c5",
        "Bonjour c6",
    ]


def test_the_language_counts_where_there_is_no_locale(templates):
    assert texts(templates, locale=["fr", None], language=["de", "de"]) == ["Bonjour c0", "Hallo c1"]


def test_an_sms_has_variants_as_well(templates):
    config = {"template": "hello", "variables": EMAIL["variables"]}
    assert texts(templates, "send_sms", config, locale=["de", "en"]) == ["Hallo c0", "Hello c1"]


def test_a_variant_without_html_is_sent_without_html(templates):
    columns = {"customer.email": ["a@example.com"], "customer.first_name": ["Ann"], "customer.locale": ["fr"]}
    departure = departed(dispatches("send_email"), EMAIL, columns, actions=load_actions(templates))
    assert "html" not in departure.leaving["payload"].iloc[0]


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("de-AT", "de-at"),
        ("DE_at", "de-at"),
        ("de_AT.UTF-8", "de-at"),
        ("de-AT-1996", "de-at"),
        ("de-CH", "de"),
        ("german", ""),
        ("", ""),
        ("../de", ""),
        (" de ", "de"),
    ],
)
def test_a_locale_falls_back_part_by_part(locale, expected):
    assert chosen(locale, {"de", "de-at"}) == expected


def test_variants_are_no_templates_of_their_own(templates):
    assert templates.names() == ["hello"]


def test_a_name_with_a_dot_that_is_no_locale_stays_a_name(tmp_path: Path):
    (tmp_path / "news.v2.txt").write_text("x")
    assert TemplateStore(tmp_path).names() == ["news.v2"]


def test_a_faulty_variant_is_found_when_the_journey_is_validated(templates, tmp_path: Path):
    (tmp_path / "hello.it.html").write_text("<p>Ciao {{nome}}</p>")
    node = {"id": "act", "type": "action", "config": {"action_type": "send_email", **EMAIL}}
    with pytest.raises(JourneyDocumentError) as refused:
        compile_journey(journey(node), Catalog(actions=load_actions(templates), features=()))
    [problem] = refused.value.problems
    assert problem.path == "/nodes/1/config/template"
    assert "`nome`" in problem.message


def test_a_variant_alone_is_no_template(tmp_path: Path):
    (tmp_path / "hello.de.html").write_text("<p>Hallo</p>")
    assert TemplateStore(tmp_path).names() == []
