from typing import Any

import numpy as np
import pandas as pd
import pytest

from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.errors import StoreError
from tests.store.rows import DOCUMENT, NOW, changes, dispatches, due, executions, ids

HOSTILE = {
    "empty": "",
    "quotes": "'; DROP TABLE executions; --\"\"'",
    "backslashes": "\\N\\.\\\\",
    "lone backslash dot": "\\.",
    "backslash dot on its own line": "first\n\\.\nlast",
    "tabs and newlines": "\ta\r\nb\rc\n",
    "looks like null": "NULL",
    "spaces around": "  a  ",
    "emoji": "👩‍👩‍👧 é e\u0301 \u202e \uffff",
    "control characters": "".join(map(chr, range(1, 32))) + "\x7f\x85\u2028",
    "percent and braces": "%s %(a)s {} %%",
    "commas": ',",",',
    "very long": "long" * 500_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_text_survives_unchanged(store: JourneyStore, text: str) -> None:
    context = {"text": text, text[:1000]: [text]}
    ended = executions("a", customer_id=text[:1000], failure=text, context=[context], state="FAILED", ended_at=NOW)
    row = executions("b", customer_id=f"{text[:1000]}b", current_node_id=text[:300], context=[context], due_at=NOW)
    with store.transaction() as transaction:
        transaction.add_executions(pd.concat([ended, row], ignore_index=True))
    with store.transaction() as transaction:
        pd.testing.assert_frame_equal(transaction.read("executions", execution_id="a"), ended)
        pd.testing.assert_frame_equal(transaction.read("executions", execution_id="b"), row)
        assert transaction.executions_of(text[:1000])["failure"].tolist() == [text]
        assert transaction.entries("welcome", ids(text[:1000]))["customer_id"].tolist() == [text[:1000]]
        transaction.save(changes(row.assign(waiting_for=text[:300])))
        assert due(transaction) == ["b"]


def test_null_and_the_empty_string_stay_apart(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", "b", outcome=["", None], state="COMPLETED", ended_at=NOW))
        assert transaction.read("executions")["outcome"].isna().tolist() == [False, True]


def test_a_nul_character_in_text_is_refused(store: JourneyStore) -> None:
    with pytest.raises(StoreError, match=r"executions\.failure holds a NUL"), store.transaction() as transaction:
        transaction.add_executions(executions("a", failure="x\x00y", state="FAILED", ended_at=NOW))


def test_a_nul_character_in_json_is_refused(store: JourneyStore) -> None:
    with pytest.raises(StoreError, match=r"executions\.context holds a NUL"), store.transaction() as transaction:
        transaction.add_executions(executions("a", context=[{"deep": ["x\x00y"]}]))


def test_a_written_escape_of_nul_is_text_like_any_other(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", context=[{"text": "\\u0000"}]))
        assert transaction.read("executions")["context"].tolist() == [{"text": "\\u0000"}]


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), object(), pd.NaT, "\ud800"],
    ids=["nan", "inf", "object", "NaT", "lone surrogate"],
)
def test_what_is_not_json_is_refused(store: JourneyStore, value: object) -> None:
    with pytest.raises(StoreError, match=r"executions\.context"), store.transaction() as transaction:
        transaction.add_executions(executions("a", context=[{"value": value}]))


def test_a_document_that_is_not_json_is_refused(store: JourneyStore) -> None:
    with pytest.raises(StoreError, match="document"), store.transaction() as transaction:
        transaction.publish({**DOCUMENT, "value": float("nan")}, at=NOW)


def test_json_values_keep_their_types(store: JourneyStore) -> None:
    value: dict[str, Any] = {
        "i": 1,
        "f": 1.5,
        "t": True,
        "n": None,
        "big": 2**70,
        "small": 1e-7,
        "l": [],
        "d": {"": {}},
        "s": "1",
    }
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", context=[value]))
        [found] = transaction.read("executions")["context"]
    assert found == value
    assert {key: type(item) for key, item in found.items()} == {key: type(item) for key, item in value.items()}


def test_numbers_of_numpy_become_plain(store: JourneyStore) -> None:
    numbers = {"i": np.int64(3), "b": np.bool_(True), "f": np.float32(2)}
    with store.transaction() as transaction:
        transaction.add_executions(executions("a", context=[numbers]))
        [found] = transaction.read("executions")["context"]
    assert found == {"i": 3, "b": True, "f": 2.0}
    assert type(found["i"]) is int
    assert type(found["b"]) is bool


def test_times_keep_their_microseconds_in_utc(store: JourneyStore) -> None:
    text = ["1969-12-31T23:59:59.999999Z", "2017-03-26T01:30:00.000001+01:00", "2300-01-01T00:00:00Z"]
    times = pd.to_datetime(text, utc=True, format="ISO8601").as_unit("us")
    rows = executions("a", "b", "c").assign(due_at=times)
    with store.transaction() as transaction:
        transaction.add_executions(rows)
        pd.testing.assert_frame_equal(transaction.read("executions"), rows)


def test_an_absent_column_is_null(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(executions("a").drop(columns=["outcome", "context"]))
        stored = transaction.read("executions")
    assert stored["outcome"].isna().all()
    assert stored["context"].tolist() == [{}]


def test_an_absent_number_is_refused_by_name(store: JourneyStore) -> None:
    with pytest.raises(StoreError, match="executions lack the column visit"), store.transaction() as transaction:
        transaction.add_executions(executions("a").drop(columns="visit"))


def test_times_without_a_zone_are_refused(store: JourneyStore) -> None:
    naive = dispatches("a").assign(due_at=pd.to_datetime(["2017-01-01"]))
    with pytest.raises(StoreError, match="dispatches have values of a wrong type"), store.transaction() as transaction:
        transaction.save(changes(requested=naive))
