"""The channel of every provider: batches, threads, pace, and tries within a run."""

import logging
import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd

from journey_pipelines.delivery.answers import DEAD_ADDRESSES, answers
from journey_pipelines.delivery.providers import outcomes
from journey_pipelines.delivery.providers.breaker import Breaker
from journey_pipelines.delivery.providers.figures import Figures
from journey_pipelines.delivery.providers.message import Message, messages_of
from journey_pipelines.delivery.providers.outcomes import Outcome
from journey_pipelines.delivery.providers.pace import Clock, Pace
from journey_pipelines.delivery.providers.provider import Provider, ProviderConfig

LOGGER = logging.getLogger(__name__)


class ProviderChannel:
    """Satisfies `Channel` for one provider.

    What was provably not taken over is tried again within the run, after the time that the provider asks for or a
    growing one with jitter, as long as tries and patience last; then it answers `retry`, and the action's own backoff
    decides. What may have been taken over is never tried again here. A message that its provider refuses never holds up
    or repeats the others of its request.
    """

    def __init__(self, provider: Provider, config: ProviderConfig, *, clock: Clock | None = None) -> None:
        self.provider = provider
        self._config = config
        self._clock = clock or Clock()
        self._pace = Pace(config.rate, self._clock)
        self._breaker = Breaker(config.stop_after)
        self._figures = Figures()

    @property
    def figures(self) -> Mapping[str, int]:
        """What it has done so far: requests, sent, failed, retry, unknown."""
        return self._figures.counts()

    def send(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        """See `Channel`."""
        batches = self.provider.batches(messages_of(dispatches))
        found: dict[str, Outcome] = {}
        with ThreadPoolExecutor(self._config.connections, thread_name_prefix=self.provider.name) as pool:
            for settled in pool.map(self._deliver, batches):
                found.update(settled)
        return _answers(dispatches["key"], found)

    def look_up(self, dispatches: pd.DataFrame) -> pd.DataFrame:
        """See `Channel`. Nothing counts as not taken over that may still be on its way into the provider's list."""
        messages = messages_of(dispatches)
        found = self._known(messages)
        missing = {str(message.payload["to"]) for message in messages if _is_missing(found.get(message.key))}
        if missing and self.provider.listed_after > 0:
            self._clock.sleep(self.provider.listed_after)
            # with what else went to these addresses: one entry of a list answers for one message only
            again = [message for message in messages if str(message.payload["to"]) in missing]
            found = {key: outcome for key, outcome in found.items() if not _is_missing(outcome)}
            found.update(self._known(again))
        return _answers(dispatches["key"][dispatches["key"].isin(found.keys())], found)

    def _known(self, messages: Sequence[Message]) -> dict[str, Outcome]:
        known = zip(messages, self.provider.look_up(messages), strict=True)
        return {message.key: outcome for message, outcome in known if outcome is not None}

    def close(self) -> None:
        """End the provider's connections."""
        self.provider.close()

    def _deliver(self, batch: Sequence[Message]) -> dict[str, Outcome]:
        """One batch until every message of it has an outcome."""
        found: dict[str, Outcome] = {}
        open_batches = deque([(batch, 1)])
        while open_batches:
            asked, attempt = open_batches.popleft()
            for message, outcome in zip(asked, self._request(asked), strict=True):
                found[message.key] = outcome
            open_batches.extend(self._unfinished(asked, attempt, found))
        self._figures.note(list(found.values()))
        return found

    def _request(self, batch: Sequence[Message]) -> Sequence[Outcome]:
        """One request, in its time, unless the run's sends have been stopped."""
        if self._breaker.reason is not None:
            return [outcomes.held_back(f"provider_stopped: {self._breaker.reason}")] * len(batch)
        held = self._pace.take(len(batch), patience=self._config.patience)
        if held is not None:
            return [outcomes.held_back(f"{self.provider.name}_asks_to_wait", after=held)] * len(batch)
        self._figures.note_request()
        try:
            answered = self.provider.send(batch)
        except Exception as error:  # noqa: BLE001 - whatever it was, the request may have been carried out
            # the text of the error may hold an address
            LOGGER.error(
                "%s: %s messages have an unknown fate: %s", self.provider.name, len(batch), type(error).__name__
            )
            return [outcomes.unknown(f"{self.provider.name}_error: {type(error).__name__}")] * len(batch)
        faults = [outcome.result["reason"] for outcome in answered if outcome.is_misconfigured]
        has_reached_any = any(outcome.status == "sent" for outcome in answered)
        self._breaker.note(faults[0] if faults and not has_reached_any else None)
        asked_to_wait = [outcome.after for outcome in answered if outcome.after is not None]
        if asked_to_wait:
            self._pace.hold(max(asked_to_wait))
        return answered

    def _unfinished(
        self, batch: Sequence[Message], attempt: int, found: Mapping[str, Outcome]
    ) -> Iterator[tuple[Sequence[Message], int]]:
        """The parts of a batch that are asked for once more, and the number of that try."""
        parts: dict[int, list[Message]] = {}
        later: list[Message] = []
        for message in batch:
            outcome = found[message.key]
            if outcome.status == "again":
                parts.setdefault(outcome.part, []).append(message)
            elif outcome.status == "retry" and outcome.result.get("counts", True):
                later.append(message)
        yield from ((part, attempt) for part in parts.values())
        if later and attempt < self._config.tries and self._waits([found[message.key] for message in later], attempt):
            yield later, attempt + 1

    def _waits(self, refused: Sequence[Outcome], attempt: int) -> bool:
        """Wait some time of our own where the provider asks for none (`pace` waits for that); False: too long."""
        asked = [outcome.after for outcome in refused if outcome.after is not None]
        if asked:
            return max(asked) <= self._config.patience
        wait = 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
        if wait > self._config.patience:
            return False
        self._clock.sleep(wait)
        return True


def _is_missing(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.status == "retry"


def _answers(keys: pd.Series, found: Mapping[str, Outcome]) -> pd.DataFrame:
    settled = [found[key] for key in keys]
    return answers(keys, [outcome.status for outcome in settled], [_result(outcome) for outcome in settled])


def _result(outcome: Outcome) -> Mapping[str, Any]:
    return {
        **outcome.result,
        **({} if outcome.after is None else {"retry_after": outcome.after}),
        **({DEAD_ADDRESSES: dict(outcome.dead_addresses)} if outcome.dead_addresses else {}),
    }
