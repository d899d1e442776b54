-- name: add_events
-- purpose: keep events that are not known yet
INSERT INTO events (event_id, customer_id, event_type, occurred_at, received_at, data, is_used)
SELECT event_id, customer_id, event_type, occurred_at, received_at, data, false
FROM incoming_events
ORDER BY incoming_position
ON CONFLICT (event_id) DO NOTHING;

-- name: events
-- purpose: what these customers did in a span of time, as far as it was known at its end
SELECT found.*
FROM (SELECT DISTINCT id FROM incoming_ids) AS wanted
CROSS JOIN (SELECT DISTINCT label FROM incoming_labels) AS kinds
-- one look for each customer, whatever the planner believes of how many events are that new
CROSS JOIN LATERAL (
    SELECT * FROM events
    WHERE events.customer_id = wanted.id
      AND events.event_type = kinds.label
      AND occurred_at > %(after)s
      AND occurred_at <= %(as_of)s
      AND received_at <= %(as_of)s
    OFFSET 0
) AS found
ORDER BY occurred_at, event_id;
