-- name: add_receipts
-- purpose: what providers tell of messages, each event once
INSERT INTO receipts (provider, event_id, dispatch_key, outcome, reason, at)
SELECT DISTINCT ON (provider, event_id) provider, event_id, dispatch_key, outcome, reason, at
FROM incoming_receipts
ORDER BY provider, event_id, incoming_position
ON CONFLICT (provider, event_id) DO NOTHING
RETURNING provider, event_id, dispatch_key, outcome, reason, at, is_applied;

-- name: take_receipts
-- purpose: claim what nobody has applied yet and can be by now; a key is execution:node:visit
SELECT receipts.provider, receipts.event_id, receipts.dispatch_key, receipts.outcome, receipts.reason, receipts.at,
       receipts.is_applied
FROM receipts
JOIN entries ON entries.execution_id = split_part(receipts.dispatch_key, ':', 1)
JOIN dispatches ON dispatches.entry_no = entries.entry_no AND dispatches.key = receipts.dispatch_key
WHERE NOT receipts.is_applied
  AND dispatches.status IN ('sent', 'failed', 'skipped', 'unknown')
  AND dispatches.journey_key IN (SELECT label FROM incoming_labels)
ORDER BY receipts.at, receipts.provider, receipts.event_id
LIMIT %(limit)s
FOR UPDATE OF receipts SKIP LOCKED;

-- name: mark_applied
-- purpose: note what was applied
UPDATE receipts SET is_applied = true
FROM incoming_receipts AS incoming
WHERE receipts.provider = incoming.provider AND receipts.event_id = incoming.event_id;
