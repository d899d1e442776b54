"""What forgetting one customer leaves in a store: the counts, and nothing that names them."""

import re
from typing import Any

import pandas as pd
import psycopg
import pytest
from psycopg import sql

from journey_pipelines.engine.erasure import pseudonym_for, replace_customer, withdraw
from journey_pipelines.engine.ports import Hold, JourneyStore, Run, SnapshotCounts, StoreTransaction
from journey_pipelines.engine.shards import shard_of
from journey_pipelines.erasure.identifiers import Identifiers
from journey_pipelines.errors import JourneysError
from journey_pipelines.store.doctor import examine
from journey_pipelines.store.postgres import PostgresStore
from journey_pipelines.store.postgres.replays import TABLES, ReplayTables
from tests.store import rows
from tests.store.rows import NOW, ids

HOSTILE = "o'Br\"ien; DROP TABLE entries;--%_\\\n{Zoë}"
ENDED = {"state": "COMPLETED", "current_node_id": "done", "due_at": pd.NaT, "ended_at": NOW, "outcome": "done"}
FAILED = {"state": "FAILED", "due_at": pd.NaT, "ended_at": NOW, "failure": "missing_variable: Zoë"}
SENT: dict[str, Any] = {
    "status": "sent",
    "left_at": NOW,
    "settled_at": NOW,
    "payload": [{"to": "zoe@example.com", "text": "Hi Zoë"}, {"to": "bob@example.com"}],
    "result": [{"success": True, "delivery": "delivered", "message_id": "m-zoe"}, {"success": True}],
}


def fill(store: JourneyStore, customer: str) -> None:
    """Two executions of the customer (one under way), one of somebody else, and something in every table."""
    with store.transaction() as transaction:
        transaction.add_executions(rows.executions("e1", customer_id=customer, context=[{"name": "Zoë"}], **ENDED))
        transaction.add_executions(rows.executions("e2", customer_id=customer, entry_number=2))
        transaction.add_executions(rows.executions("e3", customer_id=customer, journey_key="other", **FAILED))
        transaction.add_executions(rows.executions("bob", customer_id="bob", context=[{"name": "Bob"}], **ENDED))
        names = [customer, "bob"]
        sends = rows.dispatches("e1", "bob", customer_id=names, **SENT)
        out = rows.dispatches("e2", customer_id=customer, payload=[{"to": "zoe@example.com"}])
        transaction.save(rows.changes(left=rows.transitions("e1", "bob", customer_id=names), requested=sends))
        transaction.save(rows.changes(requested=out))
        transaction.earn_points(rows.awards("e1:mail:1", "bob:mail:1", customer_id=names, reason=["For Zoë", None]))
        transaction.add_campaign_executions(rows.campaign_executions("e1:mail:1", "bob:mail:1", customer_id=names))
        transaction.add_events(rows.events("ev1", "ev2", customer_id=names, data=[{"who": "Zoë"}, {}]))
        transaction.add_starts(rows.starts("s1", "s2", customer_id=names, context=[{"note": "Zoë"}, {}]))
        transaction.add_receipts(rows.receipts("e1:mail:1", "bob:mail:1", reason=["<zoe@example.com> took it", None]))
        transaction.add_suppressions(
            rows.suppressions("zoe@example.com", "bob@example.com", reason=["bounced: Zoë", None])
        )
        reason = f"duplicate_customers: 2 customers, {customer} among them, are more than once"
        transaction.hold(Hold("run", "welcome", reason, SnapshotCounts("welcome", NOW, "f", 3)))


def forget(store: JourneyStore, customer: str) -> dict[str, int]:
    def work(transaction: StoreTransaction) -> dict[str, int]:
        transaction.hash_suppressions(ids("zoe@example.com"), "salt")
        removed = dict(replace_customer(transaction, customer, at=NOW))
        transaction.record_erasure("erasure", removed, at=NOW)
        return removed

    return store.transact(work)


def everything(store: JourneyStore) -> str:
    """All that the store's readers give, as text."""
    tables = ("executions", "transitions", "dispatches", "events", "starts", "points_transactions")
    tables += ("campaign_executions", "receipts", "holds", "runs")
    with store.transaction() as transaction:
        return "\n".join(repr(transaction.read(table).to_dict("records")) for table in tables)


@pytest.mark.parametrize("customer", ["zoe-17", HOSTILE])
def test_nothing_names_a_forgotten_customer(store: JourneyStore, customer: str) -> None:
    fill(store, customer)
    assert repr(customer)[1:-1] in everything(store)
    with store.transaction() as transaction:
        held = dict(transaction.personal_rows(customer))
    assert held["entries"] == held["executions"] == 3
    assert held["dispatches"] == 2
    forget(store, customer)
    text = everything(store)
    for word in (repr(customer)[1:-1], "zoe", "Zoë", "'e1'", "'e1:mail", "ev1", "m-zoe"):
        assert word not in text, word
    assert "'bob'" in text
    with store.transaction() as transaction:
        assert transaction.personal_rows(customer) == {}
        assert transaction.personal_rows("bob")["dispatches"] == 1
        assert transaction.entries("welcome", ids(customer)).empty


def test_the_counts_stay(store: JourneyStore) -> None:
    fill(store, "zoe-17")
    store.transact(lambda transaction: withdraw(transaction, "zoe-17", at=NOW))
    before = counts(store)
    forget(store, "zoe-17")
    assert counts(store) == before


def counts(store: JourneyStore) -> dict[str, Any]:
    with store.transaction() as transaction:
        found: dict[str, Any] = {
            name: getattr(transaction, name)().to_dict("records") for name in ("status_counts", "dispatch_counts")
        }
        for table in ("transitions", "points_transactions", "campaign_executions", "receipts", "starts"):
            found[table] = len(transaction.read(table))
        found["points"] = int(transaction.read("points_transactions")["points"].sum())
    return found


def test_who_is_forgotten_leaves_their_journeys_and_gets_nothing_more(store: JourneyStore) -> None:
    fill(store, "zoe-17")
    forget(store, "zoe-17")
    with store.transaction() as transaction:
        assert sorted(transaction.read("executions")["outcome"].dropna()) == ["cancelled", "done", "done"]
        assert sorted(transaction.read("dispatches")["status"]) == ["sent", "sent", "skipped"]
        starts = transaction.read("starts")
    assert sorted(zip(starts["status"], starts["reason"].fillna(""), strict=True)) == [
        ("refused", "forgotten"),
        ("waiting", ""),
    ]


def test_a_suppressed_address_stays_suppressed_and_unreadable(store: JourneyStore) -> None:
    fill(store, "zoe-17")
    forget(store, "zoe-17")
    with store.transaction() as transaction:
        asked = ids("zoe@example.com", "bob@example.com", "ann@example.com")
        assert transaction.suppressed("email", asked).tolist() == ["bob@example.com", "zoe@example.com"]
        assert transaction.suppressed("sms", asked).tolist() == []
        assert transaction.remove_suppressions("email", ids("zoe@example.com")) == 1
        assert transaction.suppressed("email", asked).tolist() == ["bob@example.com"]


@pytest.mark.parametrize("customer", ["zoe-17", "17", HOSTILE])
def test_the_search_finds_who_is_there_and_nobody_who_was_forgotten(store: JourneyStore, customer: str) -> None:
    fill(store, customer)
    who = Identifiers(customer, frozenset({"ZOE@example.com"}))
    with store.transaction() as transaction:
        by_id = transaction.search(who.id_pattern, None)
        by_address = transaction.search("no such id", who.address_pattern)
    assert {"events", "loyalty_accounts"} <= {table for table, count in by_id.items() if count}
    assert {"suppressions", "receipts"} <= {table for table, count in by_address.items() if count}
    forget(store, customer)
    with store.transaction() as transaction:
        assert sum(transaction.search(who.id_pattern, who.address_pattern).values()) == 0


def test_nobody_is_forgotten_while_a_run_is_under_way(store: JourneyStore) -> None:
    fill(store, "zoe-17")
    with store.transaction() as transaction:
        transaction.open_run(Run("live", NOW))
    with store.run_lock("live"), pytest.raises(JourneysError, match=r"run live is under way.*wait for its end"):
        forget(store, "zoe-17")
    forget(store, "zoe-17")


def test_a_send_whose_run_died_counts_as_sent(store: JourneyStore) -> None:
    with store.transaction() as transaction:
        transaction.add_executions(rows.executions("e2", customer_id="zoe-17", state="IN_PROGRESS"))
        sending = rows.dispatches("e2", customer_id="zoe-17", status="sending", run_id="gone", left_at=NOW)
        transaction.save(rows.changes(requested=sending))
    forget(store, "zoe-17")
    with store.transaction() as transaction:
        [sent] = transaction.read("dispatches").to_dict("records")
    assert (sent["status"], sent["result"]["confirmed"]) == ("sent", False)


def test_forgetting_twice_changes_nothing_more(store: JourneyStore) -> None:
    fill(store, "zoe-17")
    forget(store, "zoe-17")
    before = everything(store)
    assert forget(store, "zoe-17") == {}
    assert everything(store) == before


def test_who_comes_back_enters_anew(store: JourneyStore) -> None:
    fill(store, "zoe-17")
    forget(store, "zoe-17")
    with store.transaction() as transaction:
        assert transaction.add_executions(rows.executions("e1", customer_id="zoe-17")).tolist() == ["e1"]


def test_a_pseudonym_is_random_and_in_the_shard_of_its_customer() -> None:
    first, second = pseudonym_for(HOSTILE), pseudonym_for(HOSTILE)
    assert first != second
    assert len(set(shard_of([first, second, HOSTILE]).tolist())) == 1


def dump(store: PostgresStore, url: str) -> str:
    """Every row of every table, as text."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
            "WHERE nspname = 'journeys' AND relkind = 'r'"
        ).fetchall()
        texts = []
        for (table,) in tables:
            name = sql.Identifier(store.schema, table)
            found = connection.execute(sql.SQL("SELECT kept::text FROM {} AS kept").format(name)).fetchall()
            texts += [text for (text,) in found]
    return "\n".join(texts)


def test_a_dump_of_all_tables_names_nobody_and_the_store_holds_together(
    postgres_store: PostgresStore, postgres_url: str
) -> None:
    with postgres_store.transaction() as transaction:
        transaction.add_campaigns(rows.campaigns())
    fill(postgres_store, "zoe-17")
    before = [(fault.check, fault.count) for fault in examine(postgres_store).faults]
    assert "zoe-17" in dump(postgres_store, postgres_url)
    forget(postgres_store, "zoe-17")
    text = dump(postgres_store, postgres_url)
    for word in ("zoe", "Zoë", "e1", "e2:", "ev1"):
        assert not re.search(rf"(?<![\w-]){word}(?![\w-])", text), word
    after = [(fault.check, fault.count) for fault in examine(postgres_store).faults]
    assert set(after) <= set(before)


def test_kept_replays_lose_the_customer_too(postgres_store: PostgresStore, postgres_url: str) -> None:
    with postgres_store.transaction() as transaction:
        transaction.add_campaigns(rows.campaigns())
    fill(postgres_store, "zoe-17")
    kept = ReplayTables(postgres_url)
    award = rows.awards("e1:mail:1", customer_id="zoe-17", reason="For Zoë").assign(balance_after=10)
    with kept.writing("may") as writer:
        writer.take("executions", rows.executions("e1", customer_id="zoe-17", context=[{"name": "Zoë"}], **ENDED))
        writer.take("transitions", rows.transitions("e1", customer_id="zoe-17"))
        writer.take("dispatches", rows.dispatches("e1", customer_id="zoe-17", payload=[{"to": "zoe@example.com"}]))
        writer.take("points_transactions", award)
    with postgres_store.transaction() as transaction:
        assert transaction.personal_rows("zoe-17")["replayed executions"] == 1
        assert transaction.search("zoe-17", "zoe@example.com")["replayed dispatches"] == 1
    forget(postgres_store, "zoe-17")
    read = {table: kept.read(table, "may") for table in TABLES}
    kept.close()
    assert [len(frame) for frame in read.values()] == [1, 1, 1, 1]
    text = repr([frame.to_dict("records") for frame in read.values()])
    for word in ("zoe", "Zoë", "'e1'", "'e1:mail"):
        assert word not in text, word
    [new_id] = read["executions"]["execution_id"]
    assert read["dispatches"]["key"].tolist() == read["points_transactions"]["dispatch_key"].tolist()
    assert read["dispatches"]["key"].tolist() == [f"{new_id}:mail:1"]
