-- name: profiles
-- purpose: Who the customers are and how they may be reached: the newest version of each by as_of.
select
    cast(household_id as varchar) as customer_id,
    first_name,
    last_name,
    email,
    phone,
    device_tokens,
    timezone,
    email_consent,
    sms_consent,
    push_consent
from customers
where valid_from <= :as_of
qualify row_number() over (partition by household_id order by valid_from desc) = 1
order by customer_id
