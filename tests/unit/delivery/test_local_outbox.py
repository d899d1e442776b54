import json
import os
import signal
import subprocess
import sys
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from journey_pipelines.delivery.channels import LocalOutbox
from tests.unit.delivery.builders import leaving

EMAIL = {"to": "ann@example.com", "subject": "Grüße", "text": "Hi é", "html": "<p>Hi é</p>", "variables": {}}
SMS = {"to": "+15550100", "message": "Hi"}
PUSH = {"to": ["token"], "title": "T", "body": "B", "data": {"x": 1}}
KINDS = [("send_email", EMAIL), ("send_sms", SMS), ("send_push", PUSH)]


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def sends(folder, kind, payloads, **columns):
    return LocalOutbox(folder).send(leaving(kind, payloads, **columns))


def test_an_email_is_a_file_that_mail_programs_open(tmp_path):
    [result] = sends(tmp_path, "send_email", [EMAIL])["result"]
    message = message_from_bytes((tmp_path / result["file"]).read_bytes(), policy=policy.default)
    assert (message["To"], message["Subject"]) == ("ann@example.com", "Grüße")
    assert message["Message-ID"] == result["message_id"]
    assert message["X-Journeys-Dispatch"] == "c0:node:1"
    assert message.get_body(["plain"]).get_content().strip() == "Hi é"
    assert message.get_body(["html"]).get_content().strip() == "<p>Hi é</p>"


@pytest.mark.parametrize(("kind", "payload"), KINDS[1:])
def test_short_messages_are_json_lines_of_their_day(tmp_path, kind, payload):
    [result] = sends(tmp_path, kind, [payload])["result"]
    assert result["file"] == f"{kind.removeprefix('send_')}/2017-03-01.jsonl"
    [line] = (tmp_path / result["file"]).read_text().splitlines()
    written = json.loads(line)
    assert written["key"] == "c0:node:1"
    assert {name: written[name] for name in payload} == payload


@pytest.mark.parametrize(("kind", "payload"), KINDS)
def test_sending_a_key_again_changes_nothing(tmp_path, kind, payload):
    outbox = LocalOutbox(tmp_path)
    first = outbox.send(leaving(kind, [payload]))
    before = files(tmp_path)
    again = [outbox.send(leaving(kind, [payload])), sends(tmp_path, kind, [payload])]
    assert files(tmp_path) == before
    assert all(answer.to_dict("list") == first.to_dict("list") for answer in again)


@pytest.mark.parametrize(("kind", "payload"), KINDS)
def test_what_was_written_can_be_looked_up(tmp_path, kind, payload):
    dispatches = leaving(kind, [payload, payload])
    sent = LocalOutbox(tmp_path).send(dispatches.iloc[:1])
    found = LocalOutbox(tmp_path).look_up(dispatches)
    assert found["status"].tolist() == ["sent", "retry"]
    assert found["result"].tolist() == [sent["result"].iloc[0], {}]


@pytest.mark.parametrize(("kind", "payload"), KINDS)
def test_an_unwritable_folder_means_later(tmp_path, kind, payload):
    (tmp_path / "outbox").write_text("a file where the folder should be")
    answer = sends(tmp_path / "outbox", kind, [payload])
    assert answer["status"].tolist() == ["retry"]
    assert answer["result"].iloc[0]["reason"].startswith("outbox_unwritable: ")


@pytest.mark.parametrize("address", ["a@example.com\nBcc: x@example.com", "a@example.com, b@example.com", "nobody"])
def test_what_is_not_one_address_fails_its_message_only(tmp_path, address):
    answer = sends(tmp_path, "send_email", [EMAIL | {"to": address}, EMAIL])
    assert answer["status"].tolist() == ["failed", "sent"]
    assert answer["result"].iloc[0]["reason"].startswith("not_an_email: ")


def test_a_torn_last_line_is_cut_off_and_written_again(tmp_path):
    two = leaving("send_sms", [SMS, SMS])
    LocalOutbox(tmp_path).send(two)
    path = tmp_path / "sms/2017-03-01.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert LocalOutbox(tmp_path).look_up(two)["status"].tolist() == ["sent", "retry"]
    LocalOutbox(tmp_path).send(two)
    assert path.read_bytes() == whole


def test_an_email_that_was_not_finished_has_not_left(tmp_path):
    [result] = sends(tmp_path, "send_email", [EMAIL])["result"]
    path = tmp_path / result["file"]
    whole = path.read_bytes()
    path.rename(path.with_suffix(".unfinished"))
    path.with_suffix(".unfinished").write_bytes(whole[:30])
    assert LocalOutbox(tmp_path).look_up(leaving("send_email", [EMAIL]))["status"].tolist() == ["retry"]
    sends(tmp_path, "send_email", [EMAIL])
    assert files(tmp_path) == {result["file"]: whole}


def test_another_writer_between_two_sends_is_seen(tmp_path):
    outbox, other = LocalOutbox(tmp_path), LocalOutbox(tmp_path)
    rows = leaving("send_sms", [SMS] * 3)
    outbox.send(rows.iloc[:1])
    other.send(rows.iloc[1:2])
    outbox.send(rows)
    assert len((tmp_path / "sms/2017-03-01.jsonl").read_text().splitlines()) == 3


def test_a_name_from_outside_stays_inside_the_folder(tmp_path):
    [result] = sends(tmp_path, "send_email", [EMAIL], customer_id=["../../../etc/x"], node_id=["a/b"])["result"]
    assert (tmp_path / result["file"]).resolve().is_relative_to(tmp_path.resolve())
    assert len(files(tmp_path)) == 1


SENDER = """
import sys
from journey_pipelines.delivery.channels import LocalOutbox
from tests.unit.delivery.builders import leaving
outbox = LocalOutbox(sys.argv[1])
count = 3000
emails = leaving("send_email", [{"to": "a@example.com", "subject": "S", "text": "T"}] * count)
lines = leaving("send_sms", [{"to": "+1", "message": "m"}] * count)
print("ready", flush=True)
for start in range(0, count, 100):
    outbox.send(emails.iloc[start:start + 100].reset_index(drop=True))
    outbox.send(lines.iloc[start:start + 100].reset_index(drop=True))
print("done", flush=True)
"""


def test_a_kill_in_the_middle_loses_and_doubles_nothing(tmp_path):
    root = Path(__file__).parents[3]
    interrupted = subprocess.Popen(
        [sys.executable, "-c", SENDER, str(tmp_path)], cwd=root, stdout=subprocess.PIPE, env=dict(os.environ)
    )
    assert interrupted.stdout is not None
    assert interrupted.stdout.readline() == b"ready\n"
    while not list(tmp_path.rglob("*.jsonl")):
        assert interrupted.poll() is None
    interrupted.send_signal(signal.SIGKILL)
    interrupted.wait()
    interrupted.stdout.close()
    subprocess.run([sys.executable, "-c", SENDER, str(tmp_path)], cwd=root, check=True, stdout=subprocess.DEVNULL)
    keys = [json.loads(line)["key"] for path in tmp_path.rglob("*.jsonl") for line in path.read_text().splitlines()]
    assert len(keys) == len(set(keys)) == 3000
    emails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in tmp_path.rglob("*.eml")]
    assert len({email["X-Journeys-Dispatch"] for email in emails}) == len(emails) == 3000
    assert not list(tmp_path.rglob("*.unfinished"))
