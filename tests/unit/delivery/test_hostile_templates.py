"""Whatever a template or a value holds: it is refused when the journey is validated, or bounded when it is rendered."""

import re
import time
from pathlib import Path

import pytest

from journey_pipelines.delivery.actions import load_actions
from journey_pipelines.delivery.bounds import LONGEST_REASON, LONGEST_TEMPLATE, LONGEST_TEXT
from journey_pipelines.delivery.template_store import TemplateStore
from journey_pipelines.errors import JourneyDocumentError
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import compile_journey
from tests.unit.delivery.builders import departed, dispatches
from tests.unit.journeys.builders import journey

MOST_SECONDS = 10  # of processor time for any one of them, on a slow machine; the unbounded ones would take hours
LONG = "x" * 200_000


def action(**config):
    return {"id": "act", "type": "action", "config": config}


def sms(message, **config):
    return action(action_type="send_sms", message=message, **config)


def email(**config):
    return action(**{"action_type": "send_email", "subject": "S", **config})


def validate(node, templates=None):
    compile_journey(journey(node), Catalog(actions=load_actions(templates), features=()))


def problems(node, templates=None):
    with pytest.raises(JourneyDocumentError) as refused:
        validate(node, templates)
    return refused.value.problems


REFUSED = {
    # out of the sandbox by attributes
    "class of a constant": "{{ ''.__class__ }}",
    "class of a variable": "{{ customer.__class__ }}",
    "class by a key": "{{ customer['__class__'] }}",
    "subclasses": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "mro of a list": "{{ [].__class__.mro() }}",
    "globals of a function": "{{ customer.first_name.__init__.__globals__ }}",
    "private name": "{{ _TemplateReference__context }}{{ customer._private }}",
    "key that is computed": "{{ customer['__cla' ~ 'ss__'] }}",
    "key from a variable": "{{ customer[customer.first_name] }}",
    "attribute by a unicode escape": "{{ customer['\\x5f_class__'] }}",
    "attribute of an expression": "{{ (customer ~ 'x').upper }}",
    "negative index": "{{ customer.tags[-1] }}",
    "slice": "{{ customer.first_name[0:1000000000] }}",
    "method": "{{ customer.first_name.upper() }}",
    "attr filter": "{{ customer|attr('__class__') }}",
    "map filter": "{{ customer.tags|map(attribute='__class__')|join }}",
    "join by an attribute": "{{ ['a']|join(',', attribute='__class__') }}",
    "join by a method": "{{ ['a']|join(',', 'upper') }}",
    "sort by an attribute": "{{ customer.tags|sort(attribute='__class__') }}",
    "selectattr": "{{ customer.tags|selectattr('__class__') }}",
    "groupby": "{{ customer.tags|groupby('__class__') }}",
    # format strings
    "format method": "{{ '{0.__class__}'.format(customer) }}",
    "format filter": "{{ '%s'|format(customer) }}",
    "wide format": "{{ '%1000000000d'|format(1) }}",
    "modulo": "{{ '%1000000000d' % 1 }}",
    # constructs
    "call": "{{ range(10**9) }}",
    "loop": "{% for x in range(10**9) %}x{% endfor %}",
    "nested loops": "{% for x in customer %}" * 9 + "x" + "{% endfor %}" * 9,
    "recursive loop": "{% for x in customer recursive %}{{ loop(customer) }}{% endfor %}",
    "macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "call block": "{% call customer() %}x{% endcall %}",
    "import": "{% import 'os' as os %}",
    "from import": "{% from 'os' import system %}",
    "include": "{% include '/etc/passwd' %}",
    "extends": "{% extends 'welcome_email' %}",
    "block": "{% block a %}{% endblock %}",
    "set": "{% set x = 1 %}",
    "namespace": "{% set ns = namespace(x=1) %}",
    "with": "{% with x = 1 %}{{ x }}{% endwith %}",
    "filter block": "{% filter upper %}x{% endfilter %}",
    "autoescape": "{% autoescape false %}x{% endautoescape %}",
    "do": "{% do customer.clear() %}",
    "debug": "{% debug %}",
    "lipsum": "{{ lipsum(n=1000000) }}",
    "cycler": "{{ cycler('a').next() }}",
    "dict": "{{ {'a': 1} }}",
    "splat": "{{ customer.first_name|replace(*customer.tags) }}",
    "splat of names": "{{ customer.first_name|replace(**customer.tags) }}",
    "safe": "{{ customer.first_name|safe }}",
    "unknown test": "{{ 'x' is sameas(customer) }}",
    # size and time
    "multiplied text": "{{ 'a' * 1000000000 }}",
    "power": "{{ 9 ** 9 ** 9 }}",
    "center": "{{ 'a'|center(1000000000) }}",
    "indent": "{{ 'a'|indent(1000000000) }}",
    "replace upon replace": "{{ 'a'" + "|replace('a', 'aaaaaaaaaa')" * 20 + " }}",
    "empty text replaced": "{{ '" + "a" * 1000 + "'" + "|replace('', 'aaaaaaaaaa')" * 20 + " }}",
    "join upon join": "{{ 'aaaaaaaaaa'" + "|join('aaaaaaaaaa')" * 20 + " }}",
    "long join": "{{ [" + "1," * 4000 + "]|join('" + "x" * 100_000 + "') }}",
    "places of a number": "{{ 1.5|round(1000000000, 'ceil') }}",
    "negative places": "{{ 5|round(-1000000000) }}",
    "enormous decimal number": "{{ " + "9" * 5000 + " }}",
    "enormous hexadecimal number": "{{ 0x" + "f" * 50_000 + " }}",
    "infinite number": "{{ 1e999 }}",
    "number of many bits": "{{ '" + "f" * 50_000 + "'|int(base=16) }}",
    "deep brackets": "{{ " + "(" * 5000 + "x" + ")" * 5000 + " }}",
    "deep lists": "{{ " + "[" * 150 + "]" * 150 + " }}",
    "deep conditions": "{% if customer.a %}" * 120 + "{% endif %}" * 120,
    "deep filters": "{{ customer.first_name" + "|upper" * 250 + " }}",
    "deep logic": "{{ " + "not " * 3000 + "customer.a }}",
    "long dotted path": "{{ customer" + ".a" * 50_000 + " }}",
    "very long name": "{{ " + "a" * 100_000 + " }}",
    "too many variables": "".join(f"{{{{customer.a{number}}}}}" for number in range(12_000)),
    "too long": "x" * (LONGEST_TEMPLATE + 1),
    "many openings": "{{" * 100_000,
    "many comments": "{#" * 100_000,
    "open comment": "{# " + LONG,
    "open raw": "{% raw %}" + LONG,
    "raw and spaces": "{% raw" + " " * 200_000,
    "open string": "{{ '" + "\\'" * 100_000 + " }}",
    "number with underscores": "{{ " + "1_" * 100_000 + " }}",
    "open bracket": "{{ " + "(" * 100_000,
    # unicode
    "half a surrogate pair": "Hi \ud800",
    "half a surrogate pair by escape": "{{ '\\ud800' }}",
    "nul": "Hi \0",
    "nul by escape": "{{ '\\x00' }}",
    "wide underscore": "{{ \uff3f\uff3fclass\uff3f\uff3f }}",
    "name that nothing provides": "{{ self }}{{ caller }}{{ loop }}",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_a_hostile_text_is_refused_with_its_place(text):
    started = time.process_time()
    found = problems(sms(text))
    assert {problem.path for problem in found} == {"/nodes/1/config/message"}
    assert all(10 < len(problem.message) < LONGEST_REASON + 300 for problem in found)
    assert time.process_time() - started < MOST_SECONDS


REFUSED_HTML = {
    "script": "<script>var name = '{{customer.a}}'</script>",
    "style sheet": "<style>p { color: {{customer.a}} }</style>",
    "event handler": "<p onclick=\"go('{{customer.a}}')\">x</p>",
    "event handler in capitals": '<p OnClick="{{customer.a}}">x</p>',
    "frame document": '<iframe srcdoc="{{customer.a}}"></iframe>',
    "attribute without quotes": "<a href={{customer.a}}>x</a>",
    "name of an attribute": "<a {{customer.a}}>x</a>",
    "name of a tag": "<b><{{customer.a}}></b>",
    "script in a condition": "<script>{% if customer.a %}{{customer.a}}{% endif %}</script>",
}


@pytest.mark.parametrize("html", REFUSED_HTML.values(), ids=REFUSED_HTML.keys())
def test_html_that_prints_values_where_escaping_does_not_help_is_refused(html, tmp_path: Path):
    assert [problem.path for problem in problems(email(body=html))] == ["/nodes/1/config/body"]
    (tmp_path / "bad.html").write_text(html)
    found = problems(email(template="bad"), TemplateStore(tmp_path))
    assert [problem.path for problem in found] == ["/nodes/1/config/template"]
    assert "`bad`" in found[0].message


@pytest.mark.parametrize("place", ["subject", "body"])
def test_each_text_of_an_email_is_looked_at(place):
    found = problems(email(**{"body": "B", place: "{{ ''.__class__ }}"}))
    assert [problem.path for problem in found] == [f"/nodes/1/config/{place}"]


def test_texts_inside_variables_are_looked_at():
    found = problems(email(body="B", variables={"a": [{"b": "{{ 9 ** 9 }}"}]}))
    assert [problem.path for problem in found] == ["/nodes/1/config/variables/a/0/b"]


CONSTANTS = {"infinity": float("inf"), "no number": float("nan"), "enormous": 1 << 20_000, "nul in a name": {"\0": 1}}


@pytest.mark.parametrize("constant", CONSTANTS.values(), ids=CONSTANTS.keys())
def test_a_constant_that_cannot_be_sent_is_refused(constant):
    [found] = problems(email(body="B", variables={"a": constant}))
    assert found.path == "/nodes/1/config/variables/a"


def test_variables_nested_beyond_what_python_walks_are_refused():
    deep: object = 1
    for _ in range(100_000):
        deep = [deep]
    assert all(problem.path.startswith("/nodes/1") for problem in problems(email(body="B", variables={"a": deep})))


def test_more_variables_than_a_payload_may_hold_are_refused():
    [found] = problems(email(body="B", variables={"a": ["{{customer.v}}"] * 1_001}))
    assert found.path == "/nodes/1/config/variables"
    assert "at most 1000" in found.message


BOUNDED = {
    "replace upon replace": "{{ v" + "|replace('x', 'xxxxxxxxxx')" * 20 + " }}",
    "join upon join": "{{ v" + "|join(v)" * 20 + " }}",
    "value printed often": "{{ v }}" * 4_000,
    "value printed often under a condition": "{% if v %}" + "{{ v }}" * 4_000 + "{% endif %}",
    "value with itself": "{{ " + " ~ ".join(["v"] * 4_000) + " }}",
    "value with itself in brackets": "{{ " + "(" * 24 + "v" + " ~ v ~ v)" * 24 + " }}",
    "list of the value": "{{ [" + "v," * 4_000 + "]|lower }}",
    "list of lists": "{{ [[" + "v," * 4_000 + "]] }}",
    "work upon work": "{{ v|title|length }}" * 3_000,
}


@pytest.mark.parametrize("text", BOUNDED.values(), ids=BOUNDED.keys())
def test_a_text_that_grows_fails_its_send_and_no_other(text):
    text = re.sub(r"\bv\b", "customer.v", text)
    validate(email(body=text))
    started = time.process_time()
    departure = departed(
        dispatches("send_email", "send_email"),
        {"subject": "S", "body": text},
        {"customer.email": ["a@example.com", "b@example.com"], "customer.v": [LONG, "y"]},
    )
    assert departure.settled["customer_id"].tolist() == ["c0"]
    assert departure.settled["reason"].iloc[0].startswith("text_too_long: ")
    assert departure.leaving["customer_id"].tolist() == ["c1"]
    assert time.process_time() - started < MOST_SECONDS


def test_the_longest_text_leaves_and_one_character_more_does_not():
    columns = {"customer.email": ["a@example.com"] * 2, "v": ["x" * (LONGEST_TEXT - 1), "x" * LONGEST_TEXT]}
    departure = departed(dispatches("send_email", "send_email"), {"subject": "S", "body": "a{{v}}"}, columns)
    assert departure.leaving["customer_id"].tolist() == ["c0"]
    assert departure.settled["reason"].iloc[0].startswith("text_too_long: ")


VALUES = {
    "half a surrogate pair": "\ud83d",
    "nul": "a\0b",
    "infinity": float("inf"),
    "enormous number": 1 << 20_000,
    "surrogate in a list": ["a", "\udfff"],
    "nul in a list": ["a\0"],
    "infinity in a list": [float("-inf")],
    "too long": "x" * (LONGEST_TEXT + 1),
}


@pytest.mark.parametrize("text", ["{{v}}", "{{v|upper}}"])
@pytest.mark.parametrize("name", VALUES)
def test_a_value_that_cannot_be_sent_fails_its_send_and_no_other(name, text):
    columns = {"customer.phone": ["+15550100", "+15550101"], "v": [VALUES[name], "fine"]}
    departure = departed(dispatches("send_sms", "send_sms"), {"message": "Hi " + text}, columns)
    assert departure.leaving["customer_id"].tolist() == ["c1"]
    assert departure.settled["reason"].iloc[0].startswith("unsendable_value: v ")


@pytest.mark.parametrize("text", ["{{v|default('you')}}", "{% if v %}{{v}}{% else %}you{% endif %}"])
def test_a_value_that_cannot_be_sent_has_the_default_that_a_missing_one_has(text):
    columns = {"customer.phone": ["+15550100"], "v": ["\0"]}
    departure = departed(dispatches("send_sms"), {"message": text}, columns)
    assert departure.leaving["payload"].iloc[0]["message"] == "you"


def test_a_value_nested_beyond_what_python_walks_fails_its_send_only():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    columns = {"customer.email": ["a@example.com"] * 2, "v": [deep, ["fine"]]}
    config = {"subject": "S", "body": "B", "variables": {"v": "{{v}}"}}
    departure = departed(dispatches("send_email", "send_email"), config, columns)
    assert departure.leaving["customer_id"].tolist() == ["c1"]


FAILING = {
    "shorter than its own dots": "{{ v|truncate(1) }}",
    "wrong method": "{{ v|length|round(0, v) }}",
    "wrong arguments": "{{ v|replace(1) }}",
    "first of nothing": "{{ w|first }}",
    "size of a text and a number": "{% if v > 3 %}x{% endif %}",
    "text in a number": "{% if v in 3 %}x{% endif %}",
}


@pytest.mark.parametrize("text", FAILING.values(), ids=FAILING.keys())
@pytest.mark.parametrize("around", ["{}", "a {}"])
def test_a_filter_that_fails_fails_its_send_with_a_reason(text, around):
    columns = {"customer.email": ["a@example.com"], "v": ["some text"], "w": [[]]}
    config = {"subject": "S", "body": "B", "variables": {"x": around.format(text)}}
    departure = departed(dispatches("send_email"), config, columns)
    assert departure.settled["status"].tolist() == ["failed"]
    assert departure.settled["reason"].iloc[0].startswith("template_error: ")
    assert len(departure.settled["reason"].iloc[0]) < LONGEST_REASON + 10


@pytest.mark.parametrize("text", ["{{ [gone] }}", "{{ (1, gone) }}", "{{ [[gone]] }}"])
def test_a_missing_value_inside_a_list_fails_its_send(text):
    config = {"subject": "S", "body": "B", "variables": {"x": text}}
    departure = departed(dispatches("send_email"), config, {"customer.email": ["a@example.com"]})
    assert departure.settled["reason"].tolist() == ["missing_variable: gone"]


INJECTIONS = ["<script>x</script>", '" onclick="x', "' onclick='x", "&lt;b&gt;", "{{ 7 * 7 }}", "{% raw %}", "%s %(x)s"]


@pytest.mark.parametrize("value", INJECTIONS)
@pytest.mark.parametrize("more", ["", "{% if v %}{% endif %}"])
def test_a_value_stays_text_wherever_html_may_print_it(value, more):
    config = {"subject": "S", "body": "<p title=\"{{v}}\" lang='{{v}}'>{{v}}</p>" + more}
    departure = departed(dispatches("send_email"), config, {"customer.email": ["a@example.com"], "v": [value]})
    [payload] = departure.leaving["payload"]
    escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = escaped.replace('"', "&#34;").replace("'", "&#39;")
    assert payload["html"] == f"<p title=\"{escaped}\" lang='{escaped}'>{escaped}</p>"
    assert payload["text"].rstrip("\n") == value


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\u2028", "\x85", "\x0b"])
def test_a_subject_stays_one_line_whatever_it_prints(line_end):
    columns = {"customer.email": ["a@example.com"], "v": [f"Hi{line_end}Bcc: all@example.com"]}
    departure = departed(dispatches("send_email"), {"subject": "{{v}}", "body": "B"}, columns)
    assert departure.leaving["payload"].iloc[0]["subject"] == "Hi Bcc: all@example.com"


def test_a_template_file_that_is_too_large_is_not_read(tmp_path: Path):
    with (tmp_path / "big.html").open("wb") as file:
        file.truncate(1 << 40)  # a hole, not a terabyte
    [problem] = problems(email(template="big"), TemplateStore(tmp_path))
    assert problem.path == "/nodes/1/config/template"
    assert "at most" in problem.message


TRAPS = [
    "<a " * 40_000,
    "<!--" * 40_000,
    "<" * 100_000,
    "&" * 100_000,
    "<!DOCTYPE " * 20_000,
    "</a" * 40_000,
    "<![CDATA[" * 20_000,
]


@pytest.mark.parametrize("html", TRAPS, ids=lambda html: html[:10])
def test_html_that_is_slow_to_read_is_read_in_bounded_time(html):
    started = time.process_time()
    departed(dispatches("send_email"), {"subject": "S", "body": "<p>" + html}, {"customer.email": ["a@example.com"]})
    assert time.process_time() - started < MOST_SECONDS
