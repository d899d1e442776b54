"""Events, loyalty accounts and campaigns."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from journey_pipelines.engine.frames import (
    CAMPAIGN_EXECUTIONS,
    CAMPAIGNS,
    EVENTS,
    LOYALTY_ACCOUNTS,
    POINTS_TRANSACTIONS,
)
from journey_pipelines.store.postgres.part import Part
from journey_pipelines.store.statements import statements

EVENTS_SQL = statements("events")
SQL = statements("accounts")


class EventsPart(Part):
    """What customers did."""

    def add_events(self, events: pd.DataFrame) -> int:
        """See StoreTransaction."""
        self.session.stage("events", events.assign(is_used=False), EVENTS)
        return self.session.execute(EVENTS_SQL["add_events"])

    def events(
        self, customer_ids: pd.Index, event_types: Sequence[str], *, after: datetime, as_of: datetime
    ) -> pd.DataFrame:
        """See StoreTransaction."""
        self.session.stage_ids(customer_ids)
        self.session.stage_labels(event_types)
        return self.session.frame(EVENTS_SQL["events"], EVENTS, after=after, as_of=as_of)


class AccountsPart(Part):
    """Points and campaigns, whose effects are rows of our own."""

    def balances(self, customer_ids: pd.Index) -> pd.DataFrame:
        """See StoreTransaction."""
        self.session.stage_ids(customer_ids)
        return self.session.frame(SQL["balances"], LOYALTY_ACCOUNTS)

    def earn_points(self, transactions: pd.DataFrame) -> pd.DataFrame:
        """See StoreTransaction."""
        self.session.stage("points_transactions", transactions.assign(balance_after=0), POINTS_TRANSACTIONS)
        # each a statement of its own: what committed while we waited for the locks is seen by the award
        for step in ("open_accounts", "lock_accounts", "award_points"):
            self.session.execute(SQL[step])
        return self.session.frame(SQL["awarded_points"], POINTS_TRANSACTIONS)

    def campaigns(self, campaign_ids: Sequence[int]) -> pd.DataFrame:
        """See StoreTransaction."""
        self.session.stage_numbers(campaign_ids)
        return self.session.frame(SQL["campaigns"], CAMPAIGNS)

    def add_campaigns(self, campaigns: pd.DataFrame) -> int:
        """See StoreTransaction."""
        self.session.stage("campaigns", campaigns, CAMPAIGNS)
        return self.session.execute(SQL["add_campaigns"])

    def add_campaign_executions(self, executions: pd.DataFrame) -> None:
        """See StoreTransaction."""
        self.session.stage("campaign_executions", executions, CAMPAIGN_EXECUTIONS)
        self.session.execute(SQL["add_campaign_executions"])
