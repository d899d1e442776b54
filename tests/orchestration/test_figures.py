"""Figures as Markdown: whatever stands in a cell stays text."""

from datetime import timedelta

import pandas as pd

from assets.figures import markdown_table


def test_numbers_have_separators_and_shares_are_percent() -> None:
    frame = pd.DataFrame({"node_id": ["a"], "reached": [12345], "share": [0.256], "time": [timedelta(hours=30)]})
    assert markdown_table(frame).splitlines() == [
        "| node | reached | share | time |",
        "| --- | ---: | ---: | --- |",
        "| a | 12,345 | 26% | 1 d 6 h |",
    ]


def test_hostile_names_stay_text() -> None:
    frame = pd.DataFrame({"arm": ["a|b\n<script>alert(1)</script>", "[x](javascript:y) **z** `c`"]})
    first, second = markdown_table(frame).splitlines()[2:]
    assert first == "| a\\|b &lt;script&gt;alert(1)&lt;/script&gt; |"
    assert second == "| \\[x\\](javascript:y) \\*\\*z\\*\\* \\`c\\` |"


def test_a_table_without_rows_says_so() -> None:
    assert markdown_table(pd.DataFrame({"arm": []})) == "nothing yet"
