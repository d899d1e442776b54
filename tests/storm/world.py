"""What a storm blows over: a journey with every kind of effect, customers in two waves, some who buy."""

from datetime import timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd

from journey_pipelines.delivery.actions.registry import load_actions
from journey_pipelines.delivery.channel_dispatcher import ChannelDispatcher
from journey_pipelines.delivery.channels import LocalOutbox
from journey_pipelines.engine.engine import Engine
from journey_pipelines.engine.facts import Facts
from journey_pipelines.engine.frame_source import FrameSource
from journey_pipelines.engine.frames import CAMPAIGNS, EVENTS, TIME, conform
from journey_pipelines.engine.passes import Report, run_pass
from journey_pipelines.engine.ports import JourneyStore, Run
from journey_pipelines.engine.single import SingleAdvance, advance_one
from journey_pipelines.journeys.catalog import Catalog
from tests.behaviour.builders import DONE, EVERYBODY, MARCH, START, action, condition, days, edge, journey, wait

DAYS = days(5)
EVENT_DAY = 2  # number of the day on which purchases count for the first wave, which waits for them by then
RACED = 40  # customers whose purchases may come one by one while that day runs
RACED_WITH_THE_BATCH = 200  # others whom that day's run moves and who are advanced one by one meanwhile
DOCUMENT = journey(
    [
        START,
        # few get e-mails, each of which is a file with many headers: writing them would be half of the storm
        condition("reads_mail", {"==": [{"var": "sessions"}, 5]}),
        action("text", message="Hello {{customer_id}}"),
        action(
            "mail",
            "send_email",
            subject="Hello {{customer_id}}",
            template="welcome_email",
            variables={"customer_name": "{{customer.first_name}}", "points_balance": "{{account.points_balance}}"},
        ),
        action("bonus", "award_points", points=10),
        wait("day", duration="P1D"),
        condition("engaged", {">": [{"var": "sessions"}, 2]}),
        action("campaign", "trigger_campaign", campaign_id=5),
        wait("bought", event="customer.purchase", timeout="P2D"),
        action("thanks", "award_points", points=50),
        action("reminder", message="Your points are waiting, {{customer.first_name}}."),
        DONE,
        {"id": "silent", "type": "end"},
    ],
    [
        edge("start", "reads_mail"),
        edge("reads_mail", "mail", "true"),
        edge("reads_mail", "text", "false"),
        edge("mail", "bonus"),
        edge("text", "bonus"),
        edge("bonus", "day"),
        edge("day", "engaged"),
        edge("engaged", "campaign", "true"),
        edge("engaged", "bought", "false"),
        edge("campaign", "bought"),
        edge("bought", "thanks", "event"),
        edge("bought", "reminder", "timeout"),
        edge("thanks", "done"),
        edge("reminder", "silent"),
    ],
    key="storm",
    entry=EVERYBODY,
)


@cache
def people(count: int) -> pd.DataFrame:
    """customer_id and what is known of them; the first four fifths come on the first day, the others on the second."""
    draw = np.random.default_rng(7)
    numbers = np.arange(count)
    frame = pd.DataFrame({"customer_id": pd.Series(numbers).astype("str").str.zfill(7)})
    frame["sessions"] = draw.integers(0, 6, count)
    frame["is_first_wave"] = numbers < count * 4 // 5
    frame["buys"] = numbers % 3 == 0
    return frame


def source(count: int) -> FrameSource:
    """The snapshots of the days."""
    known = people(count)
    dated = [(DAYS[0], known[known["is_first_wave"]]), (DAYS[1], known)]
    features = pd.concat([rows.assign(snapshot_date=f"{day:%Y-%m-%d}") for day, rows in dated], ignore_index=True)
    ids = known["customer_id"]
    profiles = pd.DataFrame(
        {
            "customer_id": ids,
            "first_name": "Customer " + ids,
            "email": "c" + ids + "@example.com",
            "phone": "+12025550143",
        }
    )
    return FrameSource(features[["snapshot_date", "customer_id", "sessions"]], None, profiles, segment_names=[])


def purchases(count: int) -> pd.DataFrame:
    """EVENTS: one purchase of each customer who buys, in the morning of EVENT_DAY."""
    buyers = people(count).loc[lambda frame: frame["buys"], "customer_id"].reset_index(drop=True)
    at = pd.Series(pd.Timestamp(DAYS[EVENT_DAY] - timedelta(hours=3)), index=buyers.index).astype(TIME)
    rows = pd.DataFrame({"event_id": "purchase-" + buyers, "customer_id": buyers, "event_type": "customer.purchase"})
    data = pd.Series([{"amount": 9} for _ in range(len(buyers))], dtype=object)
    return conform(rows.assign(occurred_at=at, received_at=at, data=data, is_used=False), EVENTS)


def set_up(store: JourneyStore, count: int, *, withholds: int = 0) -> None:
    """Publish the journey; store the campaign and the purchases, the first `withholds` apart."""
    campaign = pd.DataFrame({"campaign_id": [5], "name": ["Campaign 5"]})
    with store.transaction() as transaction:
        transaction.publish(DOCUMENT, at=MARCH - timedelta(days=1))
        transaction.add_campaigns(campaign.reindex(columns=list(CAMPAIGNS)))
        transaction.add_events(purchases(count).iloc[withholds:].reset_index(drop=True))


def engine(store: JourneyStore, outbox: Path, count: int, chunk_rows: int) -> Engine:
    """The live engine over the world, with a folder as its way out."""
    actions = load_actions()
    channels = dict.fromkeys(("email", "sms"), LocalOutbox(outbox))
    return Engine(store, source(count), ChannelDispatcher(actions, channels), Catalog(actions=actions), chunk_rows)


def run_day(parts: Engine, day: int) -> Report:
    """The run of one day."""
    return run_pass(parts, Run(f"run-{uuid4()}", DAYS[day]))


def raced(count: int) -> tuple[pd.DataFrame, list[str]]:
    """Who is advanced one by one on EVENT_DAY: EVENTS that come just then, and customers whom the run moves anyway."""
    known, bought = people(count), purchases(count)
    is_moving = ~known["is_first_wave"] | known["customer_id"].isin(bought["customer_id"].iloc[RACED:])
    moving = known.loc[is_moving, "customer_id"]
    return bought.head(RACED), moving.iloc[:: max(len(moving) // RACED_WITH_THE_BATCH, 1)].to_list()


def continue_one(parts: Engine, facts: Facts, customer_id: str, event: pd.DataFrame | None) -> SingleAdvance:
    """What the HTTP API does for one customer: store the event, if there is one, and advance the execution."""
    store = parts.store
    if event is not None:
        store.transact(lambda transaction: transaction.add_events(event))
    [execution_id] = store.transact(lambda transaction: transaction.executions_of(customer_id))["execution_id"]
    return advance_one(parts, Run(f"continue-{uuid4()}", facts.as_of, kind="continue"), execution_id, facts=facts)
