"""The one place that builds the parts of an installation from its settings, for the command line and Dagster alike.

Belongs here: which class stands behind which setting. Does not belong here: behaviour.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

from journey_pipelines.compute import DaskCluster, LocalProcesses
from journey_pipelines.delivery.channel_dispatcher import ChannelDispatcher
from journey_pipelines.delivery.channels import Channel, LocalOutbox
from journey_pipelines.delivery.dispatcher import CallableDispatcher
from journey_pipelines.delivery.providers.registry import CHANNELS
from journey_pipelines.delivery.receipts import Receiver
from journey_pipelines.delivery.unsubscribe import UnsubscribeLinks
from journey_pipelines.engine.compute import IN_PROCESS, Compute, SnapshotIds
from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.ports import Dispatcher
from journey_pipelines.provider_settings import LiveSettings
from journey_pipelines.reading import Readings
from journey_pipelines.snapshots.sources import PinnedSource
from journey_pipelines.store.embedded import ensure_running
from journey_pipelines.store.postgres import PostgresStore

SEND_ROWS: Final = 5_000  # of unknown fate at most after a crash


@dataclass(frozen=True)
class Installation(Readings):
    """What one installation reads, with its store, channels and engine, each built when it is first asked for."""

    settings: LiveSettings

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, working_directory: Path) -> "Installation":
        """Read the settings; nothing is connected yet."""
        return cls(LiveSettings.from_environment(environment, working_directory=working_directory))

    @cached_property
    def store_url(self) -> str:
        """The configured Postgres, or the embedded one, which is started now if it does not run."""
        return self.settings.store_url or ensure_running(self.settings.home).url

    @cached_property
    def store(self) -> PostgresStore:
        """The journey store, with its tables."""
        return PostgresStore(self.store_url)

    @cached_property
    def channels(self) -> Mapping[str, Channel]:
        """Where messages of each channel go: to its provider, or else to the local outbox folder."""
        outbox = LocalOutbox(self.settings.outbox)
        chosen = self.settings.providers
        return {name: chosen[name].open() if name in chosen else outbox for name in CHANNELS}

    @cached_property
    def dispatcher(self) -> Dispatcher:
        """The live way out."""
        return self.dispatcher_over(self.channels)

    def dispatcher_over(self, channels: Mapping[str, Channel]) -> Dispatcher:
        """The live way out through these channels."""
        return ChannelDispatcher(self.actions, channels, policy=self.policy, links=self.links)

    @cached_property
    def links(self) -> UnsubscribeLinks | None:
        """Unsubscribe links, where the public URL and the secret are set."""
        url, secret = self.settings.public_url, self.settings.unsubscribe_secret
        return None if url is None or secret is None else UnsubscribeLinks(url, secret)

    @cached_property
    def receivers(self) -> Mapping[str, Receiver]:
        """Who reads the webhooks of the configured providers, by the provider's name."""
        chosen = self.settings.providers.values()
        found = {choice.kind.name: receiver_of(choice.kind.name, choice.config, self.settings) for choice in chosen}
        return {name: receiver for name, receiver in found.items() if receiver is not None}

    @cached_property
    def compute(self) -> Compute:
        """Where executions are moved: a Dask cluster, local processes, or this process."""
        return compute_of(self.settings.workers, self.settings.dask_scheduler)

    @cached_property
    def engine(self) -> Engine:
        """The engine over all of these."""
        # workers send nothing, so that no provider's key travels to them
        recipe = WorkerRecipe(replace(self.settings, store_url=self.store_url, providers={}, unsubscribe_secret=None))
        return Engine(
            self.store,
            self.source,
            self.dispatcher,
            self.catalog,
            compute=self.compute,
            recipe=recipe,
            send_rows=SEND_ROWS,
        )


def receiver_of(name: str, config: Any, settings: LiveSettings) -> Receiver | None:
    """The receiver of a provider's webhooks; None where it has none, or is not told what one needs."""
    # each needs its vendor's library
    if name == "sendgrid" and config.webhook_key is not None:
        from journey_pipelines.delivery.receipts.sendgrid_events import SendGridEvents

        return SendGridEvents(config.webhook_key)
    if name == "twilio" and settings.public_url is not None:
        from journey_pipelines.delivery.receipts.twilio_callbacks import TwilioCallbacks

        return TwilioCallbacks(config.auth_token, f"{settings.public_url.rstrip('/')}/webhooks/twilio")
    return None


def compute_of(workers: int | None, dask_scheduler: str | None) -> Compute:
    """What these settings choose; nothing is started or connected yet."""
    if dask_scheduler is not None:
        return DaskCluster(dask_scheduler)
    return IN_PROCESS if workers is None or workers == 1 else LocalProcesses(workers)


@dataclass(frozen=True)
class WorkerRecipe:
    """An `EngineRecipe`: these settings, with the URL of the store that runs already."""

    settings: LiveSettings

    def build(self, snapshots: SnapshotIds) -> Engine:
        """See EngineRecipe; it has no channels and does not ask the warehouse."""
        parts = Installation(self.settings)
        source = PinnedSource(parts.snapshots, snapshots)
        store = _store_of_process(parts.store_url)
        return Engine(store, source, CallableDispatcher(parts.actions), parts.catalog)


@lru_cache(maxsize=4)
def _store_of_process(url: str) -> PostgresStore:
    """Kept from one run to the next, with its connections and what it knows of the catalogues."""
    return PostgresStore(url)
