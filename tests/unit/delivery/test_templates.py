import pytest

from journey_pipelines.delivery.plain_text import plain_text
from journey_pipelines.delivery.template_store import SAMPLE_TEMPLATES, TemplateStore
from journey_pipelines.delivery.texts import Scope
from journey_pipelines.errors import TemplateError


def shown(text, **values):
    return text.column(Scope(1, lambda path: [values[path]]))[0]


def test_the_samples_are_there():
    assert TemplateStore().names() == ["points_notification", "retention_offer", "welcome_email"]


def test_the_welcome_email_needs_two_variables_only():
    needed = {variable.path for variable in TemplateStore().variables("welcome_email") if not variable.has_default}
    assert needed == {"customer_name", "points_balance"}


def test_every_sample_can_be_sent_without_more_than_it_says_it_needs():
    for name in TemplateStore().names():
        assert TemplateStore().get(name).text


def test_the_guides_sms_reads_as_in_the_guide():
    text = TemplateStore().get("points_notification").text
    assert shown(text, points=100) == "You've earned 100 points!"


def test_the_text_of_an_email_comes_from_its_html_where_none_is_written(tmp_path):
    (tmp_path / "news.html").write_text("<h1>Hi {{ name }}</h1><p>See <a href='{{ link }}'>this</a></p>")
    template = TemplateStore(tmp_path).get("news")
    assert shown(template.text, name="A&B", link="https://example.com") == "Hi A&B\n\nSee this (https://example.com)"


def test_plain_text_leaves_out_what_nobody_reads():
    assert plain_text("<head><title>T</title></head><style>p {}</style><ul><li>a<li>b</ul>") == "- a\n- b"


def test_the_first_folder_that_has_a_name_wins(tmp_path):
    (tmp_path / "welcome_email.txt").write_text("mine")
    store = TemplateStore(tmp_path, SAMPLE_TEMPLATES)
    assert store.get("welcome_email").html is None
    assert store.names() == ["points_notification", "retention_offer", "welcome_email"]


def test_a_missing_template_names_the_known_ones():
    with pytest.raises(TemplateError, match=r"no template `welcome` \(known: points_not.*; add .*welcome.html"):
        TemplateStore().get("welcome")


@pytest.mark.parametrize("name", ["../templates/welcome_email", "/etc/passwd", "", "welcome_email.html"])
def test_a_name_is_never_a_path(name):
    with pytest.raises(TemplateError, match="there is no template"):
        TemplateStore().get(name)


def test_a_faulty_template_names_itself_and_the_line(tmp_path):
    (tmp_path / "bad.html").write_text("<p>\n{% for x in y %}{% endfor %}")
    with pytest.raises(TemplateError, match="template `bad`: line 2: `for` is not allowed"):
        TemplateStore(tmp_path).get("bad")


def test_a_template_that_is_not_utf8_says_so(tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(TemplateError, match=r"`bad` cannot be read .* save it as UTF-8"):
        TemplateStore(tmp_path).get("bad")


def test_a_missing_folder_says_so(tmp_path):
    with pytest.raises(TemplateError, match=r"folder .*gone cannot be read .* create it"):
        TemplateStore(tmp_path / "gone").names()
