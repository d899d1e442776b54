"""The behaviour suite that every provider passes. A test class has fixtures `stage` and `tls_stage`."""

import logging
from collections import Counter

import pytest

from tests.providers.loopback import GARBLE, LOSE_REPLY, RESET, SLOW


def statuses(answered):
    return answered["status"].tolist()


def reasons(answered):
    return [result.get("reason") for result in answered["result"]]


class ProviderBehaviour:
    def test_every_message_is_taken_over_once(self, stage):
        dispatches = stage.dispatches(5)
        answered = stage.send(dispatches)
        assert statuses(answered) == ["sent"] * 5
        assert stage.counts() == Counter(stage.address(number) for number in range(5))
        assert {result["provider"] for result in answered["result"]} == {stage.name}

    def test_nothing_to_send_asks_nobody(self, stage):
        assert len(stage.send(stage.dispatches(0))) == 0
        assert stage.requests == 0

    def test_a_refused_recipient_fails_alone(self, stage):
        stage.refuse_address(stage.address(2))
        answered = stage.send(stage.dispatches(5))
        assert statuses(answered) == ["sent", "sent", "failed", "sent", "sent"]
        assert stage.counts() == Counter(stage.address(number) for number in (0, 1, 3, 4))

    def test_unavailable_is_tried_again_in_the_run(self, stage):
        stage.be_unavailable(2)
        answered = stage.send(stage.dispatches(1), tries=3)
        assert statuses(answered) == ["sent"]
        assert stage.counts() == Counter([stage.address(0)])
        assert len(stage.clock.slept) == 2

    def test_unavailable_for_long_is_left_to_a_later_run(self, stage):
        stage.be_unavailable(3)
        assert statuses(stage.send(stage.dispatches(1), tries=3)) == ["retry"]
        assert stage.taken() == []

    @pytest.mark.parametrize("fault", [LOSE_REPLY, GARBLE, SLOW], ids=lambda fault: fault.kind)
    def test_a_message_whose_answer_is_lost_is_unknown_and_not_repeated(self, stage, fault):
        stage.fail(fault)
        assert statuses(stage.send(stage.dispatches(1))) == ["unknown"]
        assert stage.counts() == Counter([stage.address(0)])

    def test_a_connection_that_breaks_means_unknown_and_is_not_repeated(self, stage):
        stage.fail(RESET)
        assert statuses(stage.send(stage.dispatches(1))) == ["unknown"]
        assert stage.requests == 1

    def test_a_provider_that_cannot_be_reached_is_tried_again_later(self, stage):
        answered = stage.send(stage.dispatches(1), **stage.nowhere())
        assert statuses(answered) == ["retry"]
        assert f"{stage.name}_unreachable" in reasons(answered)[0]
        assert len(stage.clock.slept) == 2

    def test_wrong_credentials_stop_the_run_instead_of_burning_the_audience(self, stage):
        count = stage.batch * 6
        answered = stage.send(stage.dispatches(count), stop_after=3, connections=1, **stage.wrong_credentials())
        assert set(statuses(answered)) == {"retry"}
        assert all(result["counts"] is False for result in answered["result"])
        assert stage.requests == 3 * stage.requests_of_a_batch
        assert sum(reason.startswith("provider_stopped: ") for reason in reasons(answered)) == stage.batch * 3

    def test_recipients_are_counted_for_the_pace(self, stage):
        stage.send(stage.dispatches(stage.batch * 3), rate=stage.batch, connections=1)
        assert sum(stage.clock.slept) == pytest.approx(2.0)

    def test_a_server_with_a_trusted_certificate_is_spoken_to(self, tls_stage):
        assert statuses(tls_stage.send(tls_stage.dispatches(2))) == ["sent", "sent"]

    def test_a_server_without_a_trusted_certificate_is_not(self, tls_stage, monkeypatch):
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"):
            monkeypatch.delenv(name, raising=False)
        answered = tls_stage.send(tls_stage.dispatches(2))
        assert statuses(answered) == ["retry", "retry"]
        assert "certificate_not_trusted" in reasons(answered)[0]
        assert tls_stage.taken() == []

    def test_neither_keys_nor_addresses_are_logged(self, stage, caplog):
        with caplog.at_level(logging.DEBUG):
            stage.refuse_address(stage.address(1))
            stage.send(stage.dispatches(3))
            stage.fail_inside()
            stage.send(stage.dispatches(3))
            stage.send(stage.dispatches(2), **stage.wrong_credentials())
        for shown in (*stage.secrets, stage.address(0), stage.address(1)):
            assert shown not in caplog.text


class HttpBehaviour(ProviderBehaviour):
    """The suite of providers that answer with HTTP's status codes and may say how long to wait."""

    def test_a_rate_limit_is_waited_for_as_long_as_the_provider_says(self, stage):
        stage.limit_rate(7)
        answered = stage.send(stage.dispatches(1))
        assert statuses(answered) == ["sent"]
        assert sum(stage.clock.slept) == pytest.approx(7)
        assert stage.counts() == Counter([stage.address(0)])

    def test_a_rate_limit_beyond_our_patience_is_left_to_a_later_run(self, stage):
        stage.limit_rate(3600, times=10)
        answered = stage.send(stage.dispatches(stage.batch * 3), patience=60, connections=1)
        assert set(statuses(answered)) == {"retry"}
        assert max(result["retry_after"] for result in answered["result"]) == 3600
        assert stage.requests == stage.requests_of_a_batch
        assert stage.taken() == []
        untried = [result for result in answered["result"] if result.get("counts") is False]
        assert len(untried) == stage.batch * 2

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_an_error_inside_the_provider_means_unknown_and_is_not_repeated(self, stage, status):
        stage.fail_inside(status)
        assert statuses(stage.send(stage.dispatches(1))) == ["unknown"]
        assert stage.requests == 1
