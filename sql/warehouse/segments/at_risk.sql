-- name: at_risk
-- purpose: Households that used to come (three baskets or more) and have not bought for 21 to 60 days.
select cast(household_id as varchar) as customer_id
from baskets
where purchased_at <= :as_of
group by household_id
having count(*) >= 3
    and max(purchased_at) <= :as_of - interval 21 day
    and max(purchased_at) > :as_of - interval 60 day
order by customer_id
