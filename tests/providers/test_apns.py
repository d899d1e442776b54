"""APNs' module beyond the behaviour that all providers share."""

import threading
from typing import ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from journey_pipelines.delivery.providers.apns import ApnsConfig
from journey_pipelines.delivery.providers.push import collapse_id
from tests.providers.apns_fake import KEY_ID, PEM, TEAM_ID, TOPIC, ApnsFake, ApnsServer
from tests.providers.behaviour import HttpBehaviour, reasons, statuses
from tests.providers.loopback import LOSE_REPLY, SLOW, Fault, Reply, free_port
from tests.providers.stage import HttpStage


class ApnsStage(HttpStage):
    channel = "push"
    name = "apns"
    batch = 5
    requests_of_a_batch = 5
    secrets = (PEM.splitlines()[1],)
    error_body: ClassVar = {"reason": "NotNow"}

    def __init__(self, *, authority, **options):
        self._options = options
        super().__init__(authority=authority)

    def make_fake(self):
        return ApnsFake()

    def make_server(self, authority):
        return ApnsServer(self.fake, authority=authority, **self._options)

    def settings(self):
        names = {"key": PEM, "key_id": KEY_ID, "team_id": TEAM_ID, "topic": TOPIC}
        return {**names, "url": self.server.url, "batch": self.batch}

    def wrong_credentials(self):
        return {"key_id": "ANOTHERKEY"}

    def address(self, number):
        return f"{number:064x}"

    def payload(self, address, number):
        return {"to": [address], "title": "Hello", "body": f"Hello Anna {number}", "data": {"offer": number}}

    def taken(self):
        return [device for device, _, _ in self.fake.accepted]

    def nowhere(self):
        return {"url": f"https://127.0.0.1:{free_port()}"}


@pytest.fixture
def stage(trusted):
    with ApnsStage(authority=trusted) as made:
        yield made


@pytest.fixture
def tls_stage(stage):
    return stage


class TestBehaviour(HttpBehaviour):
    pass


A, B, C = (letter * 64 for letter in "abc")


def to(stage, *devices):
    """One dispatch to these devices."""
    return stage.dispatches(1, to=list(devices))


def only(answered):
    [status], [result] = statuses(answered), answered["result"]
    return status, result


def test_a_message_looks_the_same_every_time_and_is_shown_once(stage):
    dispatches = to(stage, A)
    stage.fail(LOSE_REPLY)
    assert only(stage.send(dispatches))[0] == "unknown"
    status, result = only(stage.send(dispatches))
    first, second = stage.fake.accepted
    _, headers, payload = first
    assert (headers["apns-id"], payload) == (second[1]["apns-id"], second[2])
    assert (status, result["provider_id"]) == ("sent", headers["apns-id"])
    assert headers["apns-collapse-id"] == second[1]["apns-collapse-id"] == collapse_id(dispatches["key"][0])
    assert (headers["apns-push-type"], headers["apns-priority"], headers["apns-topic"]) == ("alert", "10", TOPIC)
    alert = {"title": "Hello", "body": "Hello Anna 0"}
    assert payload == {"offer": 0, "aps": {"alert": alert, "sound": "default"}}


def test_data_cannot_take_the_place_of_the_message(stage):
    stage.send(stage.dispatches(1, data={"aps": {"alert": "another"}, "offer": {"ä": [1, None]}}))
    [(_, _, payload)] = stage.fake.accepted
    assert payload["aps"]["alert"]["title"] == "Hello"
    assert payload["offer"] == {"ä": [1, None]}


def test_one_device_that_takes_it_is_enough_and_a_dead_one_is_told(stage):
    stage.fake.refusals |= {A: (410, "Unregistered"), B: (400, "BadDeviceToken")}
    status, result = only(stage.send(to(stage, A, B, C)))
    assert status == "sent"
    assert (result["devices"], result["accepted"], result["unregistered"]) == (3, 1, 2)
    assert result["dead_addresses"] == {A: "apns_410: Unregistered", B: "apns_400: BadDeviceToken"}


def test_no_device_that_is_left_fails(stage):
    stage.fake.refusals[A] = (410, "ExpiredToken")
    status, result = only(stage.send(to(stage, A)))
    assert (status, result["reason"], list(result["dead_addresses"])) == ("failed", "apns_410: ExpiredToken", [A])


def test_tokens_of_another_environment_are_not_suppressed_all_at_once(stage):
    for number in range(10):
        stage.fake.refusals[stage.address(number)] = (400, "BadDeviceToken")
    answered = stage.send(stage.dispatches(10))
    assert set(statuses(answered)) == {"failed"}
    assert not any("dead_addresses" in result for result in answered["result"])


def test_tokens_of_another_app_are_the_installations_fault_unless_others_are_reached(stage):
    stage.fake.refusals[A] = (400, "DeviceTokenNotForTopic")
    status, result = only(stage.send(to(stage, A)))
    assert (status, result["counts"]) == ("retry", False)
    dispatches = stage.dispatches(3)
    stage.fake.refusals[stage.address(1)] = (400, "DeviceTokenNotForTopic")
    assert statuses(stage.send(dispatches)) == ["sent", "failed", "sent"]


@pytest.mark.parametrize("token", ["no hex", "../../3/device/aa", "aa\r\nhost: x", "ä" * 64, "a" * 201])
def test_what_is_no_token_never_leaves(stage, token):
    status, result = only(stage.send(to(stage, token)))
    assert (status, result["reason"], list(result["dead_addresses"])) == ("failed", "apns_bad_device_token", [token])
    assert stage.requests == 0


def test_a_payload_that_is_too_large_never_leaves(stage):
    dispatches = stage.dispatches(2)
    dispatches["payload"].array[0]["body"] = "ä" * 2_100
    answered = stage.send(dispatches)
    assert statuses(answered) == ["failed", "sent"]
    assert reasons(answered)[0].startswith("apns_payload_too_large")
    assert stage.requests == 1


@pytest.mark.parametrize(
    ("status", "reason", "becomes"),
    [
        (403, "ExpiredProviderToken", "retry"),
        (400, "TopicDisallowed", "retry"),
        (429, "TooManyRequests", "retry"),
        (400, "BadMessageId", "failed"),
        (413, "PayloadTooLarge", "failed"),
        (500, "InternalServerError", "unknown"),
    ],
)
def test_each_refusal_means_what_apple_says(stage, status, reason, becomes):
    stage.fake.refusals[A] = (status, reason)
    answered = stage.send(to(stage, A), tries=1)
    assert (statuses(answered), reasons(answered)) == ([becomes], [f"apns_{status}: {reason}"])


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"{}", b'{"reason": 7}', b'{"reason": "who@example.com"}'])
def test_a_refusal_that_cannot_be_read_counts_by_its_status(stage, body):
    stage.fail(Fault("reply", Reply(400, body)))
    answered = stage.send(to(stage, A))
    assert (statuses(answered), reasons(answered)) == (["failed"], ["apns_400"])


def test_thousands_of_refusals_do_not_stall_a_connection(stage):
    count = 3_000
    for number in range(count):
        stage.fake.refusals[stage.address(number)] = (400, "BadMessageId")
    answered = stage.send(stage.dispatches(count), batch=100, connections=1, timeout=20)
    assert set(reasons(answered)) == {"apns_400: BadMessageId"}
    assert stage.server.connections == 1


def test_no_more_streams_are_opened_than_the_server_takes(trusted):
    with ApnsStage(authority=trusted, streams=7) as stage:
        assert set(statuses(stage.send(stage.dispatches(100), batch=100, connections=1, timeout=10))) == {"sent"}
        assert stage.server.most_streams <= 7
        assert stage.counts().total() == 100


def test_large_messages_wait_for_the_room_that_the_server_gives(stage):
    dispatches = stage.dispatches(100, body="x" * 3_800)
    assert set(statuses(stage.send(dispatches, batch=100, connections=1, timeout=10))) == {"sent"}


def test_whoever_is_told_to_go_away_asks_again_over_another_connection(stage):
    stage.server.go_away_after = 3
    answered = stage.send(stage.dispatches(10), batch=10, connections=1, tries=6, timeout=5)
    assert set(statuses(answered)) == {"sent"}
    assert max(stage.counts().values()) == 1
    assert stage.server.connections > 1


def test_a_stream_that_is_refused_is_asked_for_again(stage):
    stage.server.refuse_streams = 2
    assert statuses(stage.send(stage.dispatches(3))) == ["sent"] * 3
    assert max(stage.counts().values()) == 1


def test_a_stream_that_is_reset_is_of_unknown_fate_and_disturbs_no_other(stage):
    stage.fail(Fault("reset_stream"))
    assert sorted(statuses(stage.send(stage.dispatches(3)))) == ["sent", "sent", "unknown"]


def test_an_answer_that_does_not_come_disturbs_no_other(stage):
    stage.fail(SLOW)
    assert sorted(statuses(stage.send(stage.dispatches(5)))) == ["sent"] * 4 + ["unknown"]


def test_connections_are_kept_from_one_batch_to_the_next(stage):
    assert set(statuses(stage.send(stage.dispatches(30), connections=1))) == {"sent"}
    assert stage.server.connections == 1


def test_closing_leaves_no_thread_behind(stage):
    channel = stage.channel_with()
    channel.send(stage.dispatches(2))
    assert "apns" in {thread.name for thread in threading.enumerate()}
    channel.close()
    channel.close()
    assert "apns" not in {thread.name for thread in threading.enumerate()}


def test_a_channel_that_was_closed_can_send_again(stage):
    channel = stage.channel_with()
    for _ in range(2):
        assert statuses(channel.send(stage.dispatches(1))) == ["sent"]
        channel.close()


def test_a_key_in_one_line_is_a_key_too(stage):
    assert statuses(stage.send(stage.dispatches(1), key=PEM.replace("\n", "\\n"))) == ["sent"]


RSA = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"key": None}, "exactly one of"),
        ({"key_file": "nowhere.p8"}, "exactly one of"),
        ({"key": None, "key_file": "nowhere/key.p8"}, "cannot be read"),
        ({"key": "secret"}, "not a signing key"),
        ({"key": RSA}, "of another kind"),
        ({"key_id": "short"}, "match"),
    ],
)
def test_a_key_that_is_none_is_said_without_showing_it(given, says):
    with pytest.raises(ValidationError, match=says) as raised:
        ApnsConfig(**{"key": PEM, "key_id": KEY_ID, "team_id": TEAM_ID, "topic": TOPIC, **given})
    assert "secret" not in str(raised.value)
