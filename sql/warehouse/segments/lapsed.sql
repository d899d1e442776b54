-- name: lapsed
-- purpose: Households that have not bought for more than 60 days.
select cast(household_id as varchar) as customer_id
from baskets
where purchased_at <= :as_of
group by household_id
having max(purchased_at) <= :as_of - interval 60 day
order by customer_id
