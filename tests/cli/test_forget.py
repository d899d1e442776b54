"""`journeys forget`, through the real command, a real database, snapshot files and an outbox folder."""

import json
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from journey_pipelines.delivery.channels import LocalOutbox
from journey_pipelines.engine.identity import execution_ids
from journey_pipelines.engine.ports import Run
from journey_pipelines.snapshots.erasure import check, snapshot_files
from journey_pipelines.snapshots.parquet import FEATURES, PROFILES, SnapshotStore
from tests.cli.project import Project
from tests.store import rows
from tests.store.rows import NOW, ids

DAY = NOW.date()
HOSTILE = "o'Br\"ien;--%_\\\n{Zoë}"
NAMES = ("zoe-17", "1", HOSTILE)
MAIL, PHONE = "Zoe.Smith+x@Example.com", "+1 (555) 010-0199"
SENT = {"status": "sent", "left_at": NOW, "settled_at": NOW}


@pytest.fixture
def own(tmp_path: Path, postgres_url: str) -> Project:
    """A project with an empty database and snapshots of its own."""
    return Project(tmp_path, postgres_url, snapshots=str(tmp_path / ".journeys/snapshots"))


def outbox(project: Project) -> Path:
    return project.home / ".journeys/outbox"


def fill(project: Project, customer: str) -> None:
    """A mail and an SMS to the customer and to bob, snapshots of two days, both suppressed."""
    people = [customer, "bob", "customer-10"]
    first, second = execution_ids("welcome", [customer] * 2, [1, 2])
    mails = [{"to": MAIL, "subject": "Hi", "text": "Hi Zoë, " * 40}, {"to": "bob@example.com", "subject": "Hi"}]
    texts = [{"to": PHONE, "text": "Zoë"}, {"to": "+15550102", "text": "Bob"}]
    names = [customer, "bob"]
    with project.store.transaction() as transaction:
        ended = {"state": "COMPLETED", "due_at": None, "ended_at": NOW, "outcome": "done"}
        transaction.add_executions(rows.executions(first, "bob", customer_id=names, **ended))
        transaction.add_executions(rows.executions(second, customer_id=customer, entry_number=2))
        sent = rows.dispatches(first, "bob", customer_id=names, payload=mails, **SENT)
        keys = [f"{first}:text:1", "bob:text:1"]
        sms = {"key": keys, "node_id": "text", "action_type": "send_sms", "payload": texts}
        said = rows.dispatches(first, "bob", customer_id=names, **sms, **SENT)
        transaction.save(rows.changes(requested=pd.concat([sent, said], ignore_index=True)))
        transaction.add_suppressions(rows.suppressions(MAIL.lower(), "bob@example.com"))
    LocalOutbox(outbox(project)).send(pd.concat([sent, said], ignore_index=True))
    write_snapshots(project, people)


def write_snapshots(project: Project, people: list[str], days: int = 2) -> None:
    store = SnapshotStore(Path(project.snapshots))
    profiles = pd.DataFrame({"customer_id": people, "email": [MAIL, "bob@example.com", None]})
    for day in (DAY + timedelta(days=number) for number in range(days)):
        store.write(FEATURES, day, pd.DataFrame({"customer_id": people, "visits": [1, 2, 3], "tier": ["1", "2", "1"]}))
        store.write(PROFILES, day, profiles.assign(phone=[PHONE, "+15550102", "+15550102"]))
        store.write("segments/vip", day, pd.DataFrame({"customer_id": people[:1]}))


def everything(project: Project) -> str:
    """All tables, snapshot files and messages, decoded, as one text."""
    texts = []
    with psycopg.connect(project.store_url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
            "WHERE nspname = 'journeys' AND relkind = 'r'"
        ).fetchall()
        for (table,) in tables:
            query = sql.SQL("SELECT to_jsonb(kept) FROM {} AS kept").format(sql.Identifier("journeys", table))
            texts += [repr(kept) for (kept,) in connection.execute(query).fetchall()]
    texts += [repr(pd.read_parquet(path, partitioning=None).to_dict("records")) for path in files(project)]
    for path in outbox(project).rglob("*"):
        texts.append(repr(str(path)))
        if path.suffix == ".eml":
            mail = message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=policy.default)
            texts += [repr(mail.items()), mail.get_body().get_content()]  # type: ignore[union-attr]
        elif path.suffix == ".jsonl":
            texts += [repr(json.loads(line)) for line in path.read_text().splitlines()]
    return "\n".join(texts)


def files(project: Project) -> list[Path]:
    return list(snapshot_files(Path(project.snapshots)))


def named(project: Project, customer: str) -> list[str]:
    """Which of the words that name the customer are anywhere."""
    words = ["Zoe.Smith", "zoe.smith", PHONE, "Zoë,", "'Zoë'", execution_ids("welcome", [customer], [1])[0]]
    words += [f"{customer!r}"] if customer != "1" else ["'customer_id': '1'"]
    text = everything(project)
    return [word for word in words if word in text]


@pytest.mark.parametrize("customer", NAMES)
def test_nothing_names_the_customer_anywhere_and_everybody_else_stays(own: Project, customer: str) -> None:
    fill(own, customer)
    assert len(named(own, customer)) >= 6
    answer = own.call("forget", customer, "--yes")
    assert answer.exit_code == 0, answer.output
    assert named(own, customer) == []
    text = everything(own)
    assert text.count("'bob'") > 6
    assert "bob@example.com" in text
    assert [check(path) for path in files(own)] == [None] * 6
    assert len((outbox(own) / f"sms/{DAY}.jsonl").read_text().splitlines()) == 2
    with own.store.transaction() as transaction:
        assert transaction.suppressed("email", ids(MAIL.lower())).tolist() == [MAIL.lower()]


def test_what_is_held_went_and_was_looked_for_is_told_in_counts(own: Project) -> None:
    fill(own, "zoe-17")
    lines = own.call("forget", "zoe-17", "--yes").stdout.splitlines()
    assert lines[:2] == ["Held of this customer:", "  store, entries: 2 rows"]
    assert "  store, dispatches: 2 rows" in lines
    assert "  snapshots: 6 rows in 6 files" in lines
    assert "  outbox: 1 mail, 1 line" in lines
    assert "1 execution under way will be cancelled." in lines
    assert "1 suppression kept as salted hashes, so that nobody writes there again." in lines
    assert lines[-2].startswith("Proof: nothing found in 2")
    assert "tables, 6 snapshot files, 2 outbox files and 0 log files." in lines[-2]
    assert "The warehouse must forget them too, and first" in lines[-1]


def test_nothing_goes_unless_it_is_confirmed(own: Project) -> None:
    fill(own, "zoe-17")
    before = everything(own)
    answer = own.call("forget", "zoe-17")
    assert answer.exit_code == 1
    assert "Remove all of this for good? [y/N]" in answer.output
    assert everything(own) == before


def test_the_result_is_told_in_json(own: Project) -> None:
    fill(own, "zoe-17")
    assert own.call("forget", "zoe-17", "--json").exit_code == 2
    told: dict[str, Any] = json.loads(own.call("forget", "zoe-17", "--json", "--yes").stdout)
    assert told["cancelled"] == 1
    assert told["outbox"] == {"mails": 1, "lines": 1}
    assert told["snapshots"] == {"files": 6, "rows": 6}
    assert told["proof"]["is_clean"] is True


@pytest.mark.parametrize("customer", ["%", "zoe-1", "' OR 1=1 --"])
def test_an_unknown_customer_is_not_found(own: Project, customer: str) -> None:
    fill(own, "zoe-17")
    before = everything(own)
    answer = own.call("forget", customer, "--yes")
    assert answer.exit_code == 1
    assert "Nothing is held of a customer" in answer.stderr
    assert "compare the id with the warehouse's customer_id" in answer.stderr
    assert everything(own) == before
    assert own.call("forget", "zoe-17", "--yes").exit_code == 0
    assert own.call("forget", "zoe-17", "--yes").exit_code == 1


@pytest.mark.parametrize("broken", ["erase_messages", "erase", "replace_customer", "prove"])
def test_a_second_attempt_finishes_what_a_crash_left(
    own: Project, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(own, "zoe-17")

    def die(*_: Any, **__: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(f"journey_pipelines.erasure.forgetting.{broken}", die)
        assert own.call("forget", "zoe-17", "--yes").exit_code == 1
    own.call("forget", "zoe-17", "--yes")
    assert named(own, "zoe-17") == []
    with own.store.transaction() as transaction:
        assert transaction.suppressed("email", ids(MAIL.lower())).tolist() == [MAIL.lower()]


def test_nobody_is_forgotten_beside_a_run(own: Project) -> None:
    fill(own, "zoe-17")
    store = own.store
    with store.transaction() as transaction:
        transaction.open_run(Run("live", NOW))
    before = everything(own)
    with store.run_lock("live"):
        answer = own.call("forget", "zoe-17", "--yes")
    assert answer.exit_code == 1
    assert "Run live is under way" in answer.stderr
    assert everything(own) == before


def test_what_remains_is_listed_and_the_exit_code_says_so(own: Project) -> None:
    fill(own, "zoe-17")
    with own.store.transaction() as transaction:
        transaction.add_events(rows.events("e", customer_id="bob", data=[{"friend": MAIL}]))
    log = own.home / ".journeys/logs/old.log"
    log.parent.mkdir(parents=True)
    log.write_text("KeyError: 'zoe-17'\n")
    answer = own.call("forget", "zoe-17", "--yes")
    assert answer.exit_code == 1
    assert "  table events: 1 rows name them" in answer.stdout
    assert f"  {log}: 1 lines name them" in answer.stdout


def test_an_address_that_somebody_else_has_is_no_trace(own: Project) -> None:
    fill(own, "zoe-17")
    answer = own.call("forget", "bob", "--yes")
    assert answer.exit_code == 0, answer.output
    assert "1 address they share with somebody else" in answer.stdout


def test_a_snapshot_whose_other_rows_were_changed_is_noticed(own: Project) -> None:
    fill(own, "zoe-17")
    own.call("forget", "zoe-17", "--yes")
    [path] = [path for path in files(own) if path.parent.name == "features" and path.stem == f"{DAY}"]
    content = pd.read_parquet(path, partitioning=None)
    metadata = pq.read_schema(path).metadata
    table = pa.Table.from_pandas(content.assign(visits=[7, 7]), preserve_index=False)
    pq.write_table(table.replace_schema_metadata(metadata), path)
    answer = own.call("forget", "bob", "--yes")
    assert answer.exit_code == 1
    assert "its rows are not those that its tombstone was made for" in answer.stderr
