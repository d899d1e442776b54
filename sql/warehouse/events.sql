-- name: events
-- purpose: What customers did after :since and by :as_of: one purchase for each basket, one row for each used coupon.
select
    'purchase-' || basket_id as event_id,
    cast(household_id as varchar) as customer_id,
    'customer.purchase' as event_type,
    purchased_at as occurred_at,
    purchased_at as received_at,
    cast(json_object(
        'amount', cast(amount as double), 'basket_id', cast(basket_id as varchar), 'items', items, 'store_id', store_id
    ) as varchar) as data
from baskets
where purchased_at > :since and purchased_at <= :as_of
union all
select
    'redemption-' || household_id || '-' || coupon_upc || '-' || campaign_id || '-' || redemption_date as event_id,
    cast(household_id as varchar) as customer_id,
    'coupon.redeemed' as event_type,
    redeemed_at as occurred_at,
    redeemed_at as received_at,
    cast(json_object('coupon_upc', cast(coupon_upc as varchar), 'campaign_id', campaign_id) as varchar) as data
from coupon_redemptions
where redeemed_at > :since and redeemed_at <= :as_of
order by received_at, event_id
