import sys

import pytest

from journey_pipelines.delivery.mjml_templates import html_of_mjml
from journey_pipelines.delivery.providers.message import Message
from journey_pipelines.delivery.providers.skeleton import skeleton_of
from journey_pipelines.delivery.template_store import TemplateStore
from journey_pipelines.errors import TemplateError
from tests.unit.delivery.builders import NOW, departed, dispatches

PAGE = """<mjml>
  <mj-body>
    <mj-section><mj-column>
      <mj-text>
        Hello {{ customer.first_name | default("friend") }}, {% if points > 5 %}{{ points }} &gt; 5{% endif %}
      </mj-text>
      <mj-button href="https://example.com/?p={{ points }}">Look</mj-button>
      <mj-text><a href="{{ unsubscribe_url | default('https://example.com') }}">Leave</a></mj-text>
    </mj-column></mj-section>
    <mj-raw>{% if points > 100 %}</mj-raw>
    <mj-section><mj-column><mj-text>Gold</mj-text></mj-column></mj-section>
    <mj-raw>{% endif %}</mj-raw>
  </mj-body>
</mjml>"""


@pytest.fixture
def actions(tmp_path):
    from journey_pipelines.delivery.actions import load_actions

    (tmp_path / "page.mjml").write_text(PAGE)
    return load_actions(TemplateStore(tmp_path))


def rendered(actions, names, points):
    columns = {
        "customer.email": [f"c{number}@example.com" for number in range(len(names))],
        "customer.first_name": names,
        "points": points,
    }
    frame = dispatches(*["send_email"] * len(names))
    return departed(frame, {"subject": "S", "template": "page"}, columns, actions=actions).leaving["payload"].tolist()


def test_a_template_in_mjml_becomes_html_with_its_variables(actions):
    ann, nobody = rendered(actions, ["Ann <b>", None], [7, 700])
    assert "Hello Ann &lt;b&gt;, 7 &gt; 5" in ann["html"]
    assert "https://example.com/?p=7" in ann["html"]
    assert ("Gold" in ann["html"], "Gold" in nobody["html"]) == (False, True)
    assert "Hello friend" in nobody["html"]
    assert "Hello Ann <b>, 7 > 5" in ann["text"]
    assert "fonts.googleapis.com" not in ann["html"]


def test_mails_of_one_template_differ_in_few_lines(actions):
    payloads = rendered(actions, [f"Ann {number}" for number in range(20)], list(range(20)))
    messages = [Message(str(number), payload, "g", NOW) for number, payload in enumerate(payloads)]
    skeleton = skeleton_of(messages)
    assert 0 < len(skeleton.substitutions[0]) < 8
    assert len(skeleton.contents["html"]) > 1_500


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ('<mjml><mj-body><mj-include path="/etc/passwd" /></mj-body></mjml>', "mj-include is not allowed"),
        ('<mjml><mj-body><MJ-INCLUDE path="/etc/passwd" /></mj-body></mjml>', "mj-include is not allowed"),
        ("<mjml><mj-body><mj-section>", "is no MJML"),
        ("", "is no MJML"),
        ("just text", "is no MJML"),
    ],
)
def test_what_is_no_mjml_is_one_clear_error(source, says):
    with pytest.raises(TemplateError, match=says):
        html_of_mjml("page", source)


def test_a_template_is_html_or_mjml_and_not_both(tmp_path):
    (tmp_path / "page.mjml").write_text(PAGE)
    (tmp_path / "page.html").write_text("<p>Hello</p>")
    with pytest.raises(TemplateError, match=r"page.mjml and as page.html; keep one"):
        TemplateStore(tmp_path).get("page")


def test_without_the_compiler_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mjml", None)
    with pytest.raises(TemplateError, match=r"pip install 'journey-pipelines\[mjml\]'"):
        html_of_mjml("page", PAGE)
