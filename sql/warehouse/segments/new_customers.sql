-- name: new_customers
-- purpose: Households whose first purchase lies within the last 30 days.
select cast(household_id as varchar) as customer_id
from baskets
where purchased_at <= :as_of
group by household_id
having min(purchased_at) > :as_of - interval 30 day
order by customer_id
