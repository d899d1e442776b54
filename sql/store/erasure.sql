-- What is held of one customer, and how it goes. `incoming_renamed` says each execution's new id, which follows from the
-- pseudonym. {columns} and {table} are put together by store/postgres/erasure.py.

-- name: personal_rows
-- purpose: how many rows of each table are about a customer
WITH own AS MATERIALIZED (SELECT entry_no, execution_id FROM entries WHERE customer_id = %(customer_id)s)
SELECT 'entries' AS table_name, count(*) AS rows FROM own
UNION ALL SELECT 'executions', count(*) FROM executions WHERE entry_no = ANY(ARRAY(SELECT entry_no FROM own))
UNION ALL SELECT 'contexts', count(*) FROM contexts WHERE entry_no = ANY(ARRAY(SELECT entry_no FROM own))
UNION ALL SELECT 'dispatches', count(*) FROM outbox WHERE entry_no = ANY(ARRAY(SELECT entry_no FROM own))
UNION ALL SELECT 'receipts', count(*) FROM receipts
    WHERE split_part(dispatch_key, ':', 1) IN (SELECT execution_id FROM own)
UNION ALL SELECT 'events', count(*) FROM events WHERE customer_id = %(customer_id)s
UNION ALL SELECT 'manual_starts', count(*) FROM manual_starts WHERE customer_id = %(customer_id)s
UNION ALL SELECT 'loyalty_accounts', count(*) FROM loyalty_accounts WHERE customer_id = %(customer_id)s
UNION ALL SELECT 'points_transactions', count(*) FROM points_transactions WHERE customer_id = %(customer_id)s
UNION ALL SELECT 'campaign_executions', count(*) FROM campaign_executions WHERE customer_id = %(customer_id)s
UNION ALL SELECT 'held_journeys', count(*) FROM held_journeys
    WHERE strpos(reason, ' customers, ' || %(customer_id)s || ' among them, ') > 0;

-- name: entries_of
-- purpose: every entry of a customer, those whose executions retention removed too
SELECT execution_id, journey_key, entry_number FROM entries WHERE customer_id = %(customer_id)s ORDER BY entry_no;

-- name: living_runs
-- purpose: runs that are under way: their locks are held
WITH open AS MATERIALIZED (SELECT run_id, opened_at FROM runs WHERE NOT is_closed)
SELECT run_id FROM open
WHERE NOT pg_try_advisory_xact_lock(hashtextextended('journeys run ' || current_schema() || ' ' || run_id, 0))
ORDER BY opened_at;

-- name: keep_salt
-- purpose: the salt of this store, made by whoever needs it first
INSERT INTO erasure_salt (salt) VALUES (%(salt)s)
ON CONFLICT (is_only) DO UPDATE SET salt = erasure_salt.salt;

-- name: hash_suppressions
-- purpose: addresses that stay suppressed without being readable
WITH gone AS (
    DELETE FROM suppressions
    WHERE address IN (SELECT id FROM incoming_ids)
    RETURNING channel, address, reason, purpose
)
INSERT INTO suppressions (channel, address, reason, purpose)
SELECT
    channel,
    'sha256:' || encode(sha256(convert_to(salt || address, 'UTF8')), 'hex'),
    substring(reason from '^[[:alnum:]_ -]+'),
    purpose
FROM gone CROSS JOIN erasure_salt
ON CONFLICT (channel, address, purpose) DO NOTHING;

-- name: note_own
-- purpose: the numbers of the customer's executions, before the ledger names them otherwise
CREATE TEMPORARY TABLE own ON COMMIT DROP AS
SELECT entry_no, old_id, new_id FROM entries JOIN incoming_renamed ON old_id = execution_id;

-- name: rename_entries
-- purpose: the ledger
UPDATE entries SET customer_id = %(pseudonym)s, execution_id = new_id FROM own WHERE entries.entry_no = own.entry_no;

-- name: empty_ended
-- purpose: executions keep how they went, without what stands behind a failure's code
UPDATE ended
SET customer_id = %(pseudonym)s,
    execution_id = new_id,
    failure = CASE WHEN failure IS NOT NULL THEN coalesce(substring(failure from '^[[:alnum:]_ -]+'), 'failed') END
FROM own
WHERE ended.entry_no = own.entry_no;

-- name: remove_contexts
-- purpose: what the executions carried
DELETE FROM contexts USING own WHERE contexts.entry_no = own.entry_no;

-- name: empty_dispatches
-- purpose: dispatches keep what became of them, as the views count it
UPDATE outbox
SET customer_id = %(pseudonym)s,
    execution_id = new_id,
    payload = '{}',
    reason = CASE WHEN reason IS NOT NULL THEN coalesce(substring(reason from '^[[:alnum:]_ -]+'), 'failed') END,
    result = jsonb_strip_nulls(jsonb_build_object(
        'success', result -> 'success', 'delivery', result -> 'delivery', 'confirmed', result -> 'confirmed'
    ))
FROM own
WHERE outbox.entry_no = own.entry_no;

-- name: empty_receipts
-- purpose: what providers told of them, without the providers' own words and numbers
UPDATE receipts
SET dispatch_key = new_id || substr(dispatch_key, length(old_id) + 1), event_id = gen_random_uuid()::text, reason = NULL
FROM own
WHERE split_part(dispatch_key, ':', 1) = old_id;

-- name: remove_events
-- purpose: what the customer did; nothing counts it
DELETE FROM events WHERE customer_id = %(customer_id)s;

-- name: empty_starts
-- purpose: entries by hand; one that still waits never enters
UPDATE manual_starts
SET customer_id = %(pseudonym)s,
    start_id = gen_random_uuid()::text,
    context = '{}',
    status = CASE status WHEN 'waiting' THEN 'refused' ELSE status END,
    reason = CASE
        WHEN status = 'waiting' THEN 'forgotten'
        WHEN reason IS NOT NULL THEN coalesce(substring(reason from '^[[:alnum:]_ -]+'), 'failed')
    END
WHERE customer_id = %(customer_id)s;

-- name: open_accounts
-- purpose: the pseudonym's accounts, which hold what was earned
INSERT INTO loyalty_accounts (customer_id, program_id, points_balance, points_removed)
SELECT %(pseudonym)s, program_id, points_balance, points_removed
FROM loyalty_accounts
WHERE customer_id = %(customer_id)s
FOR UPDATE;

-- name: empty_points
-- purpose: awards, without their reasons
UPDATE points_transactions AS award
SET customer_id = %(pseudonym)s, reason = NULL, dispatch_key = coalesce(renamed.dispatch_key, gen_random_uuid()::text)
FROM points_transactions AS old
LEFT JOIN LATERAL (
    SELECT new_id || substr(old.dispatch_key, length(old_id) + 1) AS dispatch_key
    FROM own
    WHERE split_part(old.dispatch_key, ':', 1) = old_id
) AS renamed ON true
WHERE award.dispatch_key = old.dispatch_key AND old.customer_id = %(customer_id)s;

-- name: remove_accounts
-- purpose: the customer's own accounts, of which nothing is left
DELETE FROM loyalty_accounts WHERE customer_id = %(customer_id)s;

-- name: empty_campaigns
-- purpose: campaigns that were delivered
UPDATE campaign_executions AS delivery
SET customer_id = %(pseudonym)s, dispatch_key = coalesce(renamed.dispatch_key, gen_random_uuid()::text)
FROM campaign_executions AS old
LEFT JOIN LATERAL (
    SELECT new_id || substr(old.dispatch_key, length(old_id) + 1) AS dispatch_key
    FROM own
    WHERE split_part(old.dispatch_key, ':', 1) = old_id
) AS renamed ON true
WHERE delivery.dispatch_key = old.dispatch_key AND old.customer_id = %(customer_id)s;

-- name: empty_holds
-- purpose: why a journey was held, which may name one customer of several
UPDATE held_journeys
SET reason = replace(reason, ' customers, ' || %(customer_id)s || ' among them, ', ' customers ')
WHERE strpos(reason, ' customers, ' || %(customer_id)s || ' among them, ') > 0;

-- name: record_erasure
-- purpose: note that somebody was forgotten, and what that took
INSERT INTO erasures (erasure_id, at, rows) VALUES (%(erasure_id)s, %(at)s, %(rows)s::jsonb)
ON CONFLICT (erasure_id) DO NOTHING;

-- name: has_replays
-- purpose: whether replays were kept beside the store
SELECT to_regclass('journeys_replay.points_transactions') IS NOT NULL;

-- name: replayed_rows
-- purpose: how many rows of kept replays are about a customer
SELECT 'replayed executions' AS table_name, count(*) FROM journeys_replay.executions WHERE customer_id = %(customer_id)s
UNION ALL SELECT 'replayed transitions', count(*) FROM journeys_replay.transitions WHERE customer_id = %(customer_id)s
UNION ALL SELECT 'replayed dispatches', count(*) FROM journeys_replay.dispatches WHERE customer_id = %(customer_id)s
UNION ALL SELECT 'replayed points_transactions', count(*)
    FROM journeys_replay.points_transactions WHERE customer_id = %(customer_id)s;

-- name: note_replayed
-- purpose: new ids of the customer's replayed executions, the same in every table
CREATE TEMPORARY TABLE replayed ON COMMIT DROP AS
SELECT old_id, gen_random_uuid()::text AS new_id
FROM (
    SELECT DISTINCT execution_id AS old_id FROM journeys_replay.executions WHERE customer_id = %(customer_id)s
) AS ids;

-- name: empty_replayed_executions
-- purpose: replayed executions, as `empty_ended`
UPDATE journeys_replay.executions
SET customer_id = %(pseudonym)s,
    execution_id = new_id,
    context = '{}',
    visits = '{}',
    failure = CASE WHEN failure IS NOT NULL THEN coalesce(substring(failure from '^[[:alnum:]_ -]+'), 'failed') END
FROM replayed
WHERE execution_id = old_id;

-- name: empty_replayed_transitions
-- purpose: replayed transitions
UPDATE journeys_replay.transitions SET customer_id = %(pseudonym)s, execution_id = new_id
FROM replayed
WHERE execution_id = old_id;

-- name: empty_replayed_dispatches
-- purpose: replayed dispatches, as `empty_dispatches`
UPDATE journeys_replay.dispatches
SET customer_id = %(pseudonym)s,
    execution_id = new_id,
    key = new_id || ':' || node_id || ':' || visit,
    payload = '{}',
    reason = CASE WHEN reason IS NOT NULL THEN coalesce(substring(reason from '^[[:alnum:]_ -]+'), 'failed') END,
    result = jsonb_strip_nulls(jsonb_build_object('success', result -> 'success'))
FROM replayed
WHERE execution_id = old_id;

-- name: empty_replayed_points
-- purpose: replayed awards, without their reasons
UPDATE journeys_replay.points_transactions
SET customer_id = %(pseudonym)s,
    reason = NULL,
    dispatch_key = new_id || substr(dispatch_key, length(old_id) + 1)
FROM replayed
WHERE split_part(dispatch_key, ':', 1) = old_id;

-- name: readable_columns
-- purpose: every column of text or JSON of the store's own tables and of those of kept replays
SELECT nspname, relname, attname
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace AND nspname IN (current_schema(), 'journeys_replay')
JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
WHERE relkind IN ('r', 'p') AND NOT relispartition AND atttypid IN ('text'::regtype, 'jsonb'::regtype)
ORDER BY nspname, relname, attnum;

-- name: search_table
-- purpose: how many rows of a table have an id or an address in one of these columns
SELECT count(*) FROM {table}
WHERE EXISTS (SELECT FROM (VALUES {columns}) AS cells (cell) WHERE cell ~ %(ids)s OR cell ~* %(addresses)s);
