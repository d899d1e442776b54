-- name: prepare_session
-- purpose: names resolve in the store's schema; times and dates are written in one way
SELECT set_config('search_path', quote_ident(%(schema)s), false),
       set_config('timezone', 'UTC', false),
       set_config('datestyle', 'ISO, YMD', false);

-- name: ping
-- purpose: whether an idle connection still answers
SELECT 1;

-- name: lock_run
-- purpose: mark a run as alive for as long as this session lasts
SELECT pg_advisory_lock(hashtextextended('journeys run ' || current_schema() || ' ' || %(run_id)s, 0));

-- name: try_lock_run
-- purpose: the same without waiting; whether it is ours
SELECT pg_try_advisory_lock(hashtextextended('journeys run ' || current_schema() || ' ' || %(run_id)s, 0));

-- name: unlock_run
-- purpose: free it at once; the server notices the end of a session a moment later only
SELECT pg_advisory_unlock_all();

-- name: take_turn
-- purpose: let transactions that decide on what the others of their kind wrote come one after the other
SELECT pg_advisory_xact_lock(hashtextextended('journeys turn ' || current_schema() || ' ' || %(what)s, 0));

-- name: wait_briefly
-- purpose: give up waiting for a lock after so long, in this transaction
SELECT set_config('lock_timeout', %(longest)s, true);

-- name: wait_as_before
-- purpose: the session's own limit again
SET LOCAL lock_timeout TO DEFAULT;

-- name: only_look
-- purpose: this transaction writes nothing and sees one moment throughout
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;

-- name: keep_partitions
-- purpose: let no retention drop what this transaction has not looked at yet; before its first look, which fixes its moment
LOCK TABLE standing, ended, moves IN ACCESS SHARE MODE;
