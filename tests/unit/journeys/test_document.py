from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from journey_pipelines.errors import JourneyDocumentError
from journey_pipelines.journeys.document import read_document

SCALARS = """
on: join
yes: no
time: 21:00
early: 09:00
number: 010
date: 2026-12-24
at: 2026-12-24T09:00:00
flag: true
off: OFF
nothing: ~
big: 1e3
negative: -1.5
"""


def problems_of(source: Any) -> dict[str, str]:
    with pytest.raises(JourneyDocumentError) as caught:
        read_document(source)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_yaml_scalars_are_those_of_json() -> None:
    assert read_document(SCALARS) == {
        "on": "join",
        "yes": "no",
        "time": "21:00",
        "early": "09:00",
        "number": "010",
        "date": "2026-12-24",
        "at": "2026-12-24T09:00:00",
        "flag": True,
        "off": "OFF",
        "nothing": None,
        "big": 1000.0,
        "negative": -1.5,
    }


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("key: a\nentry: {on: join}\nnodes: [{id: x, n: 1}]\n")
    (tmp_path / "a.json").write_text('{"key": "a", "entry": {"on": "join"}, "nodes": [{"id": "x", "n": 1}]}')
    assert read_document(tmp_path / "a.yaml") == read_document(str(tmp_path / "a.json"))


def test_a_byte_order_mark_is_no_part_of_the_document(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfkey: a\n")
    assert read_document(tmp_path / "a.yaml") == {"key": "a"}


def test_a_mapping_from_another_yaml_reader_is_understood() -> None:
    loaded = yaml.safe_load("entry: {segment: a, on: join}\nuntil: {at: 2026-12-24}\nbranches: {true: 1}\n")
    assert read_document(loaded) == {
        "entry": {"segment": "a", "on": "join"},
        "until": {"at": "2026-12-24"},
        "branches": {"true": 1},
    }


def test_numbers_and_tuples_of_python_become_json() -> None:
    assert read_document({"a": np.int64(3), "b": (1, 2), "c": date(2026, 1, 2), 4: 5}) == {
        "a": 3,
        "b": [1, 2],
        "c": "2026-01-02",
        "4": 5,
    }


def test_a_key_written_twice_is_refused_with_its_path() -> None:
    assert "twice" in problems_of("a: 1\nb: {c/d: 1, c/d: 2}\n")["/b/c~1d"]
    assert "twice" in problems_of('{"a": {"b": 1, "b": 2}}')["/a/b"]


def test_all_faults_of_a_text_come_at_once() -> None:
    assert set(problems_of("a: 1\na: 2\nb: !!python/name:os.system x\nc: [1, !!set {}, {d: 1, d: 2}]\n")) >= {
        "/a",
        "/b",
        "/c/2/d",
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: [\n",
        "a: b: c\n",
        "- 1\n- 2\n",
        "\n",
        "just text\n",
        "a: &x [1]\nb: *x\n",
        "a: 1\n---\nb: 2\n",
        "a: " + "9" * 6000 + "\n",
        "[" * 50_000 + "\n",
        '{"a":' * 50_000,
        '{"a": NaN}',
        '{"a": 1e999}',
        "a: 1e999\n",
        '{"a": "\\ud800"}',
        '{"a": "\\u0000"}',
        "{ \x00",
        "? [a]\n: b\n",
        f"a: {2**63}\n",
    ],
)
def test_a_text_that_is_no_document_is_one_clear_error(text: str) -> None:
    assert problems_of(text)


def test_a_cycle_of_python_values_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = loop
    assert any("deep" in message for message in problems_of(loop).values())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1}, b"x", object(), 2**64, "\0", "\ud800", 1j])
def test_a_value_that_json_lacks_is_refused_with_its_path(value: object) -> None:
    assert list(problems_of({"a": [{"b/c": value}]})) == ["/a/0/b~1c"]


def test_a_document_too_large_to_be_one_is_refused() -> None:
    assert any("500,000" in message for message in problems_of({"nodes": [0] * 600_000}).values())
    assert any("characters" in message for message in problems_of("a: " + "x" * 6_000_000 + "\n").values())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(JourneyDocumentError, match=r"gone\.yaml .*\n.*no such file"):
        read_document(tmp_path / "gone.yaml")


def test_a_folder_is_no_document(tmp_path: Path) -> None:
    assert "folder" in problems_of(tmp_path)[""]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"key: \xff\xfe\n")
    assert "UTF-8" in problems_of(tmp_path / "a.yaml")[""]


def test_a_broken_json_file_is_told_in_terms_of_json(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"key": "a",}')
    assert "not JSON" in problems_of(tmp_path / "a.json")[""]


@pytest.mark.parametrize("value", [None, 5, [], b"key: a", object(), float("nan"), ""])
def test_what_is_neither_mapping_path_nor_text_is_refused(value: Any) -> None:
    assert "expected a mapping" in problems_of(value)[""]
