"""How results look."""

import pytest

from journey_pipelines.cli.output import count_of, progress_bar, table


def test_numbers_stand_to_the_right_and_texts_to_the_left() -> None:
    assert table(["name", "count"], [["a", 5], ["long", 12_000]]) == "name   count\na          5\nlong  12,000"


def test_a_missing_text_is_blank() -> None:
    assert table(["a", "b"], [[None, "x"]]) == "a  b\n   x"


@pytest.mark.parametrize(("number", "text"), [(0, "0 moves"), (1, "1 move"), (2_000, "2,000 moves")])
def test_things_are_counted_in_words(number: int, text: str) -> None:
    assert count_of(number, "move") == text


def test_a_bar_is_silent_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("Run") as progress:
        progress("features", 1, 2)
    assert capsys.readouterr() == ("", "")
