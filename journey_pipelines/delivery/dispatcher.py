"""How dispatches leave: through channels, or through a callable in a simulation. Both satisfy `ports.Dispatcher`."""

from collections.abc import Callable, Mapping

import pandas as pd

from journey_pipelines.delivery.actions.action_type import ActionType
from journey_pipelines.delivery.answers import FOUND_STATUSES, answers, checked, no_answers, together
from journey_pipelines.delivery.channels.channel import Channel
from journey_pipelines.delivery.contact import ContactPolicy
from journey_pipelines.delivery.departure import depart
from journey_pipelines.engine.frames import DISPATCHES, conform
from journey_pipelines.engine.ports import Departure, DepartureContext, StoreTransaction

Deliver = Callable[[pd.DataFrame], pd.DataFrame]


class _Departing:
    """What every dispatcher does the same way: consent and rendering before, effects in our own store after."""

    def __init__(self, actions: Mapping[str, ActionType], policy: ContactPolicy | None) -> None:
        self._actions = actions
        self._policy = policy or ContactPolicy()

    def depart(self, dispatches: pd.DataFrame, context: DepartureContext, transaction: StoreTransaction) -> Departure:
        """See `ports.Dispatcher`. Raises DeliveryError for an action type that is not installed."""
        return depart(dispatches, context, transaction, actions=self._actions, policy=self._policy)

    def perform(self, sent: pd.DataFrame, transaction: StoreTransaction) -> pd.DataFrame:
        """See `ports.Dispatcher`: each action type's effect in our own store."""
        groups = sent.reset_index(drop=True).groupby("action_type", sort=False)
        return together(self._actions[name].perform(rows, transaction) for name, rows in groups)


class ChannelDispatcher(_Departing):
    """The live dispatcher: messages go through the channel of their type, other types deliver themselves."""

    def __init__(
        self,
        actions: Mapping[str, ActionType],
        channels: Mapping[str, Channel],
        *,
        policy: ContactPolicy | None = None,
    ) -> None:
        super().__init__(actions, policy)
        self._channels = channels

    def deliver(self, leaving: pd.DataFrame) -> pd.DataFrame:
        """See `ports.Dispatcher`. What has no channel yet is tried again later."""
        groups = leaving.reset_index(drop=True).groupby("action_type", sort=False)
        return together(self._deliver(self._actions[name], rows.reset_index(drop=True)) for name, rows in groups)

    def reconcile(self, unknown: pd.DataFrame) -> pd.DataFrame:
        """See `ports.Dispatcher`: what the channels, or the types without one, know."""
        groups = unknown.reset_index(drop=True).groupby("action_type", sort=False)
        return together(self._look_up(self._actions[name], rows.reset_index(drop=True)) for name, rows in groups)

    def _deliver(self, action: ActionType, rows: pd.DataFrame) -> pd.DataFrame:
        if action.channel is None:
            return checked(action.deliver(rows), rows["key"], source=f"action type {action.name}")
        channel = self._channels.get(action.channel)
        if channel is None:
            reason = f"channel_not_configured: {action.channel}"
            return answers(rows["key"], "retry", [{"reason": reason}] * len(rows))
        return checked(channel.send(rows), rows["key"], source=f"channel {action.channel}")

    def _look_up(self, action: ActionType, rows: pd.DataFrame) -> pd.DataFrame:
        channel = None if action.channel is None else self._channels.get(action.channel)
        if channel is not None:
            found = channel.look_up(rows)
        else:
            found = action.look_up(rows) if action.channel is None else no_answers()
        source = f"the look-up of {action.name}"
        return checked(found, rows["key"], source=source, statuses=FOUND_STATUSES)


class CallableDispatcher(_Departing):
    """The dispatcher of simulations: one callable answers for every action type; None: everything is sent.

    It is built without channels, so that it cannot reach a provider.
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

    def reconcile(self, unknown: pd.DataFrame) -> pd.DataFrame:  # noqa: ARG002
        """See `ports.Dispatcher`: a callable cannot be asked."""
        return no_answers()
