from datetime import UTC, datetime

import pytest

from journey_pipelines.engine.ports import JourneyStore
from journey_pipelines.errors import NotFoundError, StoreError
from tests.store.rows import DOCUMENT, HOUR, NOW, executions

CHANGED = {**DOCUMENT, "name": "Welcome again"}


def test_publishing_counts_versions_from_one(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        assert transaction.publish(DOCUMENT, at=NOW) == 1
        assert transaction.publish(CHANGED, at=NOW + HOUR) == 2


def test_publishing_what_the_newest_version_says_returns_that_version(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.publish(DOCUMENT, at=NOW)
        assert transaction.publish(dict(reversed(DOCUMENT.items())), at=NOW + HOUR) == 1
        assert [version.published_at for version in transaction.versions("welcome")] == [NOW]


def test_publishing_an_older_text_again_is_a_new_version(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        numbers = [transaction.publish(text, at=NOW) for text in (DOCUMENT, CHANGED, DOCUMENT)]
    assert numbers == [1, 2, 3]


def test_true_and_one_are_different_documents(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        assert transaction.publish({**DOCUMENT, "flag": True}, at=NOW) == 1
        assert transaction.publish({**DOCUMENT, "flag": 1}, at=NOW) == 2


def test_a_published_journey_is_live(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.publish(DOCUMENT, at=NOW)
        [version] = transaction.versions()
    assert (version.journey_key, version.version, version.status) == ("welcome", 1, "live")
    assert version.document == DOCUMENT
    assert version.published_at == NOW


def test_a_paused_journey_stays_paused_when_published(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.publish(DOCUMENT, at=NOW)
        transaction.set_status("welcome", "paused")
        transaction.publish(CHANGED, at=NOW)
        assert {version.status for version in transaction.versions()} == {"paused"}


def test_an_archived_journey_refuses_a_version(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.publish(DOCUMENT, at=NOW)
        transaction.set_status("welcome", "archived")
    with pytest.raises(StoreError, match="welcome is archived"), store.transaction() as transaction:
        transaction.publish(CHANGED, at=NOW)


def test_the_status_of_an_unknown_journey_cannot_be_set(store: JourneyStore) -> None:
    with pytest.raises(NotFoundError, match="no journey nobody"), store.transaction() as transaction:
        transaction.set_status("nobody", "paused")


def test_versions_come_by_key_and_version(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.publish({**DOCUMENT, "key": "b"}, at=NOW)
        transaction.publish({**DOCUMENT, "key": "Z"}, at=NOW)
        transaction.publish({**DOCUMENT, "key": "b", "name": "second"}, at=NOW)
        found = [(version.journey_key, version.version) for version in transaction.versions()]
        assert found == [("Z", 1), ("b", 1), ("b", 2)]
        assert [version.version for version in transaction.versions("b")] == [1, 2]
        assert transaction.versions("nobody") == []


def test_a_version_cannot_be_changed_through_what_was_read(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.publish(DOCUMENT, at=NOW)
        transaction.versions()[0].document["nodes"].clear()
        assert transaction.versions()[0].document == DOCUMENT


def test_unfinished_versions_are_those_where_somebody_stands(store: JourneyStore) -> None:
    rows = executions(
        "a", "b", "c", journey_version=[1, 2, 3], state=["WAITING", "COMPLETED", "NOT_STARTED"],
        ended_at=[None, datetime(2017, 1, 1, tzinfo=UTC), None],
    )  # fmt: skip
    with store.transaction() as transaction:
        transaction.add_executions(rows)
        assert transaction.unfinished_versions() == frozenset({("welcome", 1), ("welcome", 3)})
