-- name: features
-- purpose: What conditions can read: one row for each household with a purchase by as_of.
with
shopping as (
    select
        household_id,
        min(purchased_at) as first_purchase_at,
        max(purchased_at) as last_purchase_at,
        count(*) as frequency,
        sum(amount) as monetary,
        count(*) filter (where purchased_at > :as_of - interval 1 day) as baskets_1d,
        count(*) filter (where purchased_at > :as_of - interval 7 day) as baskets_7d,
        count(*) filter (where purchased_at > :as_of - interval 30 day) as baskets_30d,
        count(*) filter (where purchased_at > :as_of - interval 90 day) as baskets_90d,
        sum(amount) filter (where purchased_at > :as_of - interval 1 day) as spend_1d,
        sum(amount) filter (where purchased_at > :as_of - interval 7 day) as spend_7d,
        sum(amount) filter (where purchased_at > :as_of - interval 30 day) as spend_30d,
        sum(amount) filter (where purchased_at > :as_of - interval 90 day) as spend_90d
    from baskets
    where purchased_at <= :as_of
    group by household_id
),
coupon_use as (
    select
        household_id,
        count(*) as coupons_used,
        count(*) filter (where redeemed_at > :as_of - interval 30 day) as coupons_used_30d,
        count(*) filter (where redeemed_at > :as_of - interval 90 day) as coupons_used_90d
    from coupon_redemptions
    where redeemed_at <= :as_of
    group by household_id
),
department_spend as (
    select household_id, department, sum(amount) as spend
    from basket_departments
    where purchased_at <= :as_of
    group by household_id, department
),
departments as (
    -- Nearly everybody spends most on groceries, so the favourite is another department where there is one.
    select
        household_id,
        first(department order by department = 'GROCERY', spend desc, department) as favourite_department,
        list(department order by department) as departments
    from department_spend
    group by household_id
),
household as (
    select household_id, age, income, home_ownership, marital_status, household_size, household_comp, kids_count
    from demographics
    where valid_from <= :as_of
    qualify row_number() over (partition by household_id order by valid_from desc) = 1
),
customer as (
    select household_id, is_closed
    from customers
    where valid_from <= :as_of
    qualify row_number() over (partition by household_id order by valid_from desc) = 1
)
select
    cast(shopping.household_id as varchar) as customer_id,
    shopping.first_purchase_at,
    shopping.last_purchase_at,
    date_sub('day', shopping.first_purchase_at, :as_of) as tenure_days,
    date_sub('day', shopping.last_purchase_at, :as_of) as recency_days,
    shopping.frequency,
    cast(shopping.monetary as double) as monetary,
    cast(shopping.monetary / shopping.frequency as double) as average_basket,
    shopping.baskets_1d,
    shopping.baskets_7d,
    shopping.baskets_30d,
    shopping.baskets_90d,
    shopping.baskets_1d as sessions_1d,
    cast(coalesce(shopping.spend_1d, 0) as double) as spend_1d,
    cast(coalesce(shopping.spend_7d, 0) as double) as spend_7d,
    cast(coalesce(shopping.spend_30d, 0) as double) as spend_30d,
    cast(coalesce(shopping.spend_90d, 0) as double) as spend_90d,
    coalesce(coupon_use.coupons_used, 0) as coupons_used,
    coalesce(coupon_use.coupons_used_30d, 0) as coupons_used_30d,
    coalesce(coupon_use.coupons_used_90d, 0) as coupons_used_90d,
    departments.favourite_department,
    departments.departments,
    household.age as age_band,
    household.income as income_band,
    household.home_ownership,
    household.marital_status,
    household.household_size,
    household.household_comp as household_type,
    household.kids_count,
    coalesce(customer.is_closed, false) as is_closed
from shopping
left join coupon_use using (household_id)
left join departments using (household_id)
left join household using (household_id)
left join customer using (household_id)
order by customer_id
