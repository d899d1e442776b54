-- name: loyal
-- purpose: Households with twelve baskets or more in 90 days, the newest of them within the last 21 days.
select cast(household_id as varchar) as customer_id
from baskets
where purchased_at <= :as_of
    and purchased_at > :as_of - interval 90 day
group by household_id
having count(*) >= 12
    and max(purchased_at) > :as_of - interval 21 day
order by customer_id
