-- name: campaigns
-- purpose: Campaigns that an action may trigger, as far as they were planned by as_of.
select campaign_id, name, channel
from campaign_descriptions
where planned_at <= :as_of
order by campaign_id
