"""`trigger_campaign`: puts the customer into a campaign, in the transaction that records the result."""

from typing import Any, ClassVar

import pandas as pd
from pydantic import BaseModel, Field

from journey_pipelines.delivery.actions.action_type import ActionType, Parameters
from journey_pipelines.delivery.answers import answers, together
from journey_pipelines.engine.frames import CAMPAIGN_EXECUTIONS, conform
from journey_pipelines.engine.ports import StoreTransaction
from journey_pipelines.journeys.catalog import UnknownPolicy


class CampaignParameters(Parameters):
    """Config of `trigger_campaign`: the campaign, and a channel instead of the campaign's own."""

    campaign_id: int = Field(gt=0, le=2**31 - 1)
    channel: str | None = Field(default=None, min_length=1)


class CampaignDeliveryService:
    """Delivers campaigns inside one store transaction: a CAMPAIGN_EXECUTIONS row for each customer."""

    def __init__(self, transaction: StoreTransaction) -> None:
        self._transaction = transaction

    def deliver(self, requests: pd.DataFrame) -> pd.DataFrame:
        """Record CAMPAIGN_EXECUTIONS rows; a null channel is the campaign's own.

        Returns the rows in their order with the channel filled and a column `is_known`; rows of an unknown campaign
        are not recorded.
        """
        campaigns = self._transaction.campaigns(requests["campaign_id"].unique().tolist())
        own_channel = campaigns.set_index("campaign_id")["channel"]
        delivered = requests.assign(
            channel=requests["channel"].fillna(requests["campaign_id"].map(own_channel).astype("str")),
            is_known=requests["campaign_id"].isin(campaigns["campaign_id"]),
        )
        self._transaction.add_campaign_executions(conform(delivered[delivered["is_known"]], CAMPAIGN_EXECUTIONS))
        return delivered


class TriggerCampaign(ActionType):
    """A campaign; payload {campaign_id, channel}, result {campaign_id, channel, campaign_execution}."""

    name: ClassVar[str] = "trigger_campaign"
    label: ClassVar[str] = "Trigger campaign"
    parameters: ClassVar[type[BaseModel]] = CampaignParameters
    is_message: ClassVar[bool] = True
    policy: ClassVar[UnknownPolicy] = UnknownPolicy.EXACTLY_ONCE

    def channel_of(self, parameters: BaseModel, transaction: StoreTransaction) -> str | None:
        """The channel of the config, else the campaign's; None for an unknown campaign."""
        assert isinstance(parameters, CampaignParameters)
        if parameters.channel is not None:
            return parameters.channel
        known = transaction.campaigns([parameters.campaign_id])["channel"].dropna()
        return str(known.iloc[0]) if len(known) else None

    def perform(self, sent: pd.DataFrame, transaction: StoreTransaction) -> pd.DataFrame:
        """Record the campaign executions; a dispatch of an unknown campaign has failed."""
        if sent.empty:
            return together([])
        requests = pd.DataFrame(sent["payload"].tolist(), columns=["campaign_id", "channel"], index=sent.index).assign(
            dispatch_key=sent["key"], customer_id=sent["customer_id"], at=sent["left_at"].fillna(sent["requested_at"])
        )
        delivered = CampaignDeliveryService(transaction).deliver(conform(requests, CAMPAIGN_EXECUTIONS))
        is_known = delivered["is_known"]
        done, refused = delivered[is_known], delivered[~is_known]
        return together(
            [
                answers(done["dispatch_key"], "sent", _results(done)),
                answers(refused["dispatch_key"], "failed", _refusals(refused)),
            ]
        )


def _results(delivered: pd.DataFrame) -> list[dict[str, Any]]:
    channels = delivered["channel"].astype(object).where(delivered["channel"].notna(), None).tolist()
    columns = [delivered["campaign_id"].tolist(), channels, delivered["dispatch_key"].tolist()]
    names = ("campaign_id", "channel", "campaign_execution")
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _refusals(refused: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"campaign_id": campaign_id, "reason": f"unknown_campaign: {campaign_id}"}
        for campaign_id in refused["campaign_id"].tolist()
    ]
