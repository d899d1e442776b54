import pytest

from journey_pipelines.delivery.sandbox import NoValue
from journey_pipelines.delivery.texts import Scope, compile_text, render_value
from journey_pipelines.errors import TemplateError


def scope(**columns):
    values = {name.replace("__", "."): list(column) for name, column in columns.items()}
    size = len(next(iter(values.values()), [None]))
    return Scope(size, lambda path: values.get(path, [NoValue(path)] * size))


def shown(source, *, is_html=False, **columns):
    return list(compile_text(source, is_html=is_html).column(scope(**columns)))


def missing(value):
    return value.reason if isinstance(value, NoValue) else None


def test_a_text_is_rendered_for_each_row():
    assert shown("Hi {{customer.first_name}}!", customer__first_name=["Ann", "Bob"]) == ["Hi Ann!", "Hi Bob!"]


def test_a_missing_variable_names_itself():
    assert missing(shown("Hi {{customer.first_name}}")[0]) == "missing_variable: customer.first_name"


def test_a_default_stands_in_for_a_missing_variable():
    assert shown('Hi {{customer.first_name|default("friend")}}') == ["Hi friend"]
    assert shown('Hi {{customer.first_name|upper|d("friend")}}') == ["Hi friend"]


def test_a_default_may_be_another_variable():
    assert shown("{{nick|default(name)}}", nick=[NoValue("nick")], name=["Ann"]) == ["Ann"]
    assert missing(shown("{{nick|default(name)}}")[0]) == "missing_variable: name"


def test_a_condition_may_ask_for_what_is_not_there():
    source = "{% if vip %}Dear {{vip}}{% else %}Hello{% endif %}"
    assert shown(source, vip=["Ann", NoValue("vip")]) == ["Dear Ann", "Hello"]
    assert shown("{{ vip if vip is defined else 'you' }}") == ["you"]


def test_comparing_the_size_of_what_is_not_there_fails_the_row():
    assert missing(shown("{% if points > 3 %}many{% endif %}")[0]) == "missing_variable: points"


def test_whole_floats_print_as_integers():
    assert shown("{{a}} {{b}}", a=[150.0], b=[2.5]) == ["150 2.5"]


def test_lists_print_as_their_elements():
    assert shown("{{a}}, {{b|join(' and ')}}", a=[["x", "y"]], b=[["p", "q"]]) == ["x, y, p and q"]


def test_html_escapes_values_and_plain_text_does_not():
    name = ["<b>Ann & co</b>"]
    assert shown("<p>{{name}}</p>", is_html=True, name=name) == ["<p>&lt;b&gt;Ann &amp; co&lt;/b&gt;</p>"]
    assert shown("{{name}}", name=name) == name


def test_values_are_never_templates():
    assert shown("{{name}}", name=["{{ 7 * 7 }}"]) == ["{{ 7 * 7 }}"]


def test_a_single_expression_keeps_its_type():
    columns = {"account__points_balance": [150], "tags": [["a"]], "gone": [NoValue("gone")]}
    value = {
        "points": "{{account.points_balance}}",
        "tags": "{{tags}}",
        "zero": "{{gone|default(0)}}",
        "text": "{{account.points_balance}} points",
        "nested": [{"x": "{{tags}}"}, 3, None],
    }
    assert list(render_value(value, scope(**columns))) == [
        {"points": 150, "tags": ["a"], "zero": 0, "text": "150 points", "nested": [{"x": ["a"]}, 3, None]}
    ]


def test_a_failing_filter_fails_the_row_with_its_reason():
    assert missing(shown("{{name|round}}", name=["Ann"])[0]).startswith("template_error: ")


@pytest.mark.parametrize(
    "source",
    [
        "{% for x in y %}{{x}}{% endfor %}",
        "{% macro m() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% set x = 1 %}",
        "{{ range(10) }}",
        "{{ ''.__class__ }}",
        "{{ customer.__class__ }}",
        "{{ customer['__class__'] }}",
        "{{ customer.name.upper() }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ (customer ~ 'x').y }}",
        "{{ customer[name] }}",
        "{{ customer|attr('x') }}",
        "{{ name|format }}",
        "{{ name|safe }}",
        "{{ name is sameas(none) }}",
        "{{ name if vip }}",
        "{{ unclosed",
        "{% if x %}",
        "{{ " + "(" * 5000 + "x" + ")" * 5000 + " }}",
        "x" * 300_000,
    ],
)
def test_anything_beyond_variables_filters_and_if_is_refused(source):
    with pytest.raises(TemplateError):
        compile_text(source)


def test_variables_say_whether_they_have_a_default():
    variables = compile_text("{{a.b}} {{c|default(1)}} {{d}} {{d|default(2)}}{% if e %}{{f}}{% endif %}").variables
    assert {variable.path: variable.has_default for variable in variables} == {
        "a.b": False,
        "c": True,
        "d": False,
        "e": True,
        "f": False,
    }
