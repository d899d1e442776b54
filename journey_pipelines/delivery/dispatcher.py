"""How dispatches leave: what every way out shares, and the way of simulations, which no channel is near."""

from collections.abc import Callable, Mapping

import pandas as pd

from journey_pipelines.delivery.actions.action_type import ActionType
from journey_pipelines.delivery.answers import (
    DEAD_ADDRESSES,
    answers,
    checked,
    no_answers,
    together,
    without_dead_addresses,
)
from journey_pipelines.delivery.contact import ContactPolicy
from journey_pipelines.delivery.departure import depart
from journey_pipelines.delivery.unsubscribe import UnsubscribeLinks
from journey_pipelines.engine.frames import DISPATCHES, SUPPRESSIONS, conform
from journey_pipelines.engine.ports import Departure, DepartureContext, StoreTransaction

Deliver = Callable[[pd.DataFrame], pd.DataFrame]


class Departing:
    """What every dispatcher does the same way: consent and rendering before, effects in our own store after."""

    def __init__(
        self, actions: Mapping[str, ActionType], policy: ContactPolicy | None, links: UnsubscribeLinks | None = None
    ) -> None:
        self.actions = actions
        self.policy = policy or ContactPolicy()
        self.links = links

    def depart(self, dispatches: pd.DataFrame, context: DepartureContext, transaction: StoreTransaction) -> Departure:
        """See `ports.Dispatcher`. Raises DeliveryError for an action type that is not installed."""
        return depart(dispatches, context, transaction, actions=self.actions, policy=self.policy, links=self.links)

    def perform(self, sent: pd.DataFrame, transaction: StoreTransaction) -> pd.DataFrame:
        """See `ports.Dispatcher`: each action type's effect in our own store."""
        groups = sent.reset_index(drop=True).groupby("action_type", sort=False)
        return together(self.actions[name].perform(rows, transaction) for name, rows in groups)

    def suppress(self, answered: pd.DataFrame, transaction: StoreTransaction) -> pd.DataFrame:
        """See `ports.Dispatcher`."""
        rows = zip(answered["action_type"], answered["result"], strict=True)
        dead = [
            (self.actions[action_type].channel, address, reason)
            for action_type, result in rows
            if DEAD_ADDRESSES in result
            for address, reason in result[DEAD_ADDRESSES].items()
        ]
        if dead:
            listed = pd.DataFrame(dead, columns=["channel", "address", "reason"]).dropna(subset="channel")
            transaction.add_suppressions(conform(listed, SUPPRESSIONS))
        return without_dead_addresses(answered)


class CallableDispatcher(Departing):
    """The dispatcher of simulations: one callable answers for every action type; None: everything is sent.

    Neither it nor what it imports knows a channel, so that it cannot reach a provider; a contract on imports says so.
    """

    def __init__(
        self,
        actions: Mapping[str, ActionType],
        deliver: Deliver | None = None,
        *,
        policy: ContactPolicy | None = None,
    ) -> None:
        super().__init__(actions, policy)
        self._callable = deliver

    def deliver(self, leaving: pd.DataFrame) -> pd.DataFrame:
        """See `ports.Dispatcher`. Raises DeliveryError where the callable's answer is none."""
        if self._callable is None or leaving.empty:
            return answers(leaving["key"], "sent")
        given = conform(leaving, DISPATCHES)
        return checked(self._callable(given.copy()), given["key"], source="the `deliver` callable")

    def reconcile(self, unknown: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG002 - the protocol's
        """See `ports.Dispatcher`: a callable cannot be asked."""
        return no_answers()
