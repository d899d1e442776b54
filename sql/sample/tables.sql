-- name: baskets
-- purpose: One row for each shopping trip, summed up from the transactions.
create table baskets as
select
    basket_id,
    household_id,
    store_id,
    transaction_timestamp as purchased_at,
    cast(sum(sales_value) as decimal(12, 2)) as amount,
    count(*) as items,
    cast(sum(coupon_disc) as decimal(12, 2)) as coupon_discount
from transactions
group by all
order by purchased_at, basket_id;

-- name: basket_departments
-- purpose: What each shopping trip spent in each department; products that the list lacks have none.
create table basket_departments as
select
    basket_id,
    household_id,
    transaction_timestamp as purchased_at,
    department,
    cast(sum(sales_value) as decimal(12, 2)) as amount
from transactions
join products using (product_id)
group by all
order by purchased_at, basket_id, department;

-- name: households
-- purpose: Everybody who ever bought, with the first time.
create table households as
select household_id, min(purchased_at) as first_purchase_at
from baskets
group by household_id
order by household_id;

-- name: demographics
-- purpose: The survey, as if it had been answered at the first purchase (the data does not say when).
create table demographics as
select source_demographics.*, households.first_purchase_at as valid_from
from source_demographics
join households using (household_id)
order by household_id;

-- name: coupon_redemptions
-- purpose: Used coupons; the data has the date at the store, the time is that of the day's basket with the coupon.
create table coupon_redemptions as
with trips as (
    select
        household_id,
        cast(purchased_at at time zone 'UTC' at time zone 'America/New_York' as date) as redemption_date,
        arg_min(purchased_at, (-coupon_discount, purchased_at, basket_id)) as redeemed_at
    from baskets
    group by all
)
select
    source.household_id,
    source.coupon_upc,
    source.campaign_id,
    cast(source.redemption_date as date) as redemption_date,
    trips.redeemed_at
from source_coupon_redemptions as source
join trips
    on trips.household_id = source.household_id
    and trips.redemption_date = cast(source.redemption_date as date)
order by redeemed_at, household_id, coupon_upc, campaign_id;

-- name: campaign_descriptions
-- purpose: The campaigns of the data; name, channel and the day on which they were planned are invented.
create table campaign_descriptions as
select
    campaign_id,
    campaign_type,
    start_date,
    end_date,
    'Campaign ' || campaign_id || ' (' || lower(campaign_type) || ')' as name,
    case campaign_type when 'Type A' then 'email' when 'Type B' then 'sms' else 'push' end as channel,
    start_date - interval 120 day as planned_at
from source_campaign_descriptions
order by campaign_id;
