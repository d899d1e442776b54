-- name: add_events
-- purpose: keep events that are not known yet
INSERT INTO events (event_id, customer_id, event_type, occurred_at, received_at, data, is_used)
SELECT event_id, customer_id, event_type, occurred_at, received_at, data, false
FROM incoming_events
ORDER BY incoming_position
ON CONFLICT (event_id) DO NOTHING;

-- name: events
-- purpose: what these customers did in a span of time, as far as it was known at its end
SELECT * FROM events
WHERE customer_id IN (SELECT id FROM incoming_ids)
  AND event_type IN (SELECT label FROM incoming_labels)
  AND occurred_at > %(after)s
  AND occurred_at <= %(as_of)s
  AND received_at <= %(as_of)s
ORDER BY occurred_at, event_id;
