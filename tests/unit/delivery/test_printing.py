import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_pipelines.delivery.sandbox import NoValue
from journey_pipelines.delivery.texts import Scope, compile_text

VALUES = st.one_of(
    st.text(), st.integers(), st.floats(allow_nan=False), st.booleans(), st.lists(st.text(max_size=3), max_size=3)
)


@pytest.mark.parametrize("is_html", [True, False])
@given(values=st.lists(VALUES, max_size=4))
def test_printing_by_columns_is_what_jinja_prints_row_by_row(is_html, values):
    scope = Scope(len(values), lambda _: values)
    by_columns = compile_text("100% {{x}} & <b>{{x|default('you')}}</b>", is_html=is_html)
    by_jinja = compile_text("100% {% if true %}{{x}}{% endif %} & <b>{{x|default('you')}}</b>", is_html=is_html)
    assert list(by_columns.column(scope)) == list(by_jinja.column(scope))


def test_a_default_is_escaped_like_a_value():
    text = compile_text("{{ x|default('A & B') }}", is_html=True)
    assert list(text.column(Scope(1, lambda path: [NoValue(path)]))) == ["A &amp; B"]
