-- Entries numbered by shard of their customer, so that a range of numbers is a range of shards. Those that are there
-- keep their numbers, which count as shard 0.

ALTER TABLE entries ALTER COLUMN entry_no DROP IDENTITY;
CREATE SEQUENCE entry_numbers OWNED BY entries.entry_no;
SELECT setval('entry_numbers', 1 + coalesce(max(entry_no), 0), false) FROM entries;
COMMENT ON COLUMN entries.entry_no IS
    'Shard of the customer (10 bits) and order of entry (48 bits); names the execution in all other tables of executions';

CREATE OR REPLACE VIEW executions AS
SELECT
    execution_id,
    journey_key,
    journey_version,
    customer_id,
    entry_number,
    (ARRAY['entry', 'manual'])[entered_via] AS entered_via,
    (ARRAY['NOT_STARTED', 'IN_PROGRESS', 'WAITING', 'COMPLETED', 'FAILED'])[state] AS state,
    node.label AS current_node_id,
    visit,
    coalesce(visits, '{}') AS visits,
    coalesce(context, '{}') AS context,
    nullif(due_at, 'infinity') AS due_at,
    entered_at,
    nullif(arrived_at, 'infinity') AS arrived_at,
    ended_at,
    event.label AS waiting_for,
    nullif(events_since, 'infinity') AS events_since,
    (ARRAY['sent', 'skipped', 'failed', 'retry', 'deferred', 'unknown'])[action] AS action_status,
    nullif(missing_since, 'infinity') AS missing_since,
    outcome,
    failure,
    entry_no & (1::bigint << 48) - 1 AS position
FROM (
    SELECT
        entry_no, edition_no, node_no, visit, state, action, entered_via, entry_number, waiting_no, due_at, entered_at,
        arrived_at, events_since, missing_since, execution_id, customer_id,
        NULL::timestamptz AS ended_at, NULL AS outcome, NULL AS failure
    FROM standing
    UNION ALL
    SELECT
        entry_no, edition_no, node_no, visit, state, action, entered_via, entry_number, waiting_no, due_at, entered_at,
        arrived_at, events_since, missing_since, execution_id, customer_id,
        ended_at, outcome, failure
    FROM ended
) AS execution
JOIN editions USING (edition_no)
LEFT JOIN labels AS node ON node.label_no = node_no
LEFT JOIN labels AS event ON event.label_no = waiting_no
LEFT JOIN contexts USING (entry_no);
