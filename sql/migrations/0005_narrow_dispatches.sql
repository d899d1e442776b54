-- Dispatches without their long keys: the number of the execution, the node and the visit say the same, are unique in a
-- small index, and the view gives the key as before.

ALTER TABLE dispatches RENAME TO dispatches_before;
DROP INDEX dispatches_to_take;
DROP INDEX dispatches_unsettled;
DROP INDEX dispatches_left;

CREATE TABLE outbox (
    entry_no bigint NOT NULL,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    requested_at timestamptz NOT NULL,
    due_at timestamptz,
    next_at timestamptz,
    left_at timestamptz,
    settled_at timestamptz,
    journey_version integer NOT NULL,
    visit integer NOT NULL,
    priority integer NOT NULL,
    attempt integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    execution_id text COLLATE "C" NOT NULL,
    journey_key text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    node_id text COLLATE "C" NOT NULL,
    action_type text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL
        CHECK (status IN ('pending', 'sending', 'sent', 'failed', 'skipped', 'retry', 'unknown')),
    payload jsonb NOT NULL DEFAULT '{}',
    reason text,
    result jsonb NOT NULL DEFAULT '{}',
    run_id text COLLATE "C",
    snapshot_id text COLLATE "C",
    PRIMARY KEY (entry_no, node_id, visit)
) WITH (fillfactor = 80);
CREATE INDEX outbox_to_take
    ON outbox (status, journey_key, next_at) WHERE status IN ('pending', 'sending', 'retry', 'unknown');
CREATE INDEX outbox_left ON outbox (customer_id, left_at) WHERE left_at IS NOT NULL;
COMMENT ON TABLE outbox IS 'One row for each visit of an action; read it as the view dispatches';
COMMENT ON COLUMN outbox.entry_no IS 'The execution; whoever requests an action once more fails on the primary key';

CREATE VIEW dispatches AS
SELECT
    execution_id || ':' || node_id || ':' || visit AS key,
    execution_id,
    journey_key,
    journey_version,
    customer_id,
    node_id,
    visit,
    action_type,
    priority,
    status,
    attempt,
    payload,
    requested_at,
    due_at,
    next_at,
    left_at,
    settled_at,
    reason,
    result,
    run_id,
    snapshot_id,
    position,
    entry_no
FROM outbox;
COMMENT ON VIEW dispatches IS 'The outbox: one row for each visit of an action';
COMMENT ON COLUMN dispatches.key IS 'execution:node:visit, unique for ever';
COMMENT ON COLUMN dispatches.priority IS 'Of the journey; the higher goes first';
COMMENT ON COLUMN dispatches.attempt IS 'Attempts so far that reached the deliverer';
COMMENT ON COLUMN dispatches.payload IS 'What is sent, rendered; {} until it leaves';
COMMENT ON COLUMN dispatches.requested_at IS 'as_of of the run that brought the execution to the action';
COMMENT ON COLUMN dispatches.due_at IS 'The due time that led here: decides staleness';
COMMENT ON COLUMN dispatches.next_at IS 'Earliest time of the next try; null: at once';
COMMENT ON COLUMN dispatches.left_at IS 'as_of of the last try';
COMMENT ON COLUMN dispatches.settled_at IS 'as_of of the run that knew the final status';
COMMENT ON COLUMN dispatches.reason IS 'Why it was skipped or failed';
COMMENT ON COLUMN dispatches.result IS 'action_result of the node; {} while unknown';
COMMENT ON COLUMN dispatches.run_id IS 'The run whose lock says that a sending row is alive';
COMMENT ON COLUMN dispatches.position IS 'Order in which rows were written';
COMMENT ON COLUMN dispatches.entry_no IS 'Number of the execution in the ledger of entries, by which rows are found fast';

INSERT INTO outbox (
    entry_no, position, requested_at, due_at, next_at, left_at, settled_at, journey_version, visit, priority, attempt,
    execution_id, journey_key, customer_id, node_id, action_type, status, payload, reason, result, run_id, snapshot_id
)
OVERRIDING SYSTEM VALUE
SELECT
    entry_no, position, requested_at, due_at, next_at, left_at, settled_at, journey_version, visit, priority, attempt,
    execution_id, before.journey_key, before.customer_id, node_id, action_type, status, payload, reason, result, run_id,
    snapshot_id
FROM dispatches_before AS before
LEFT JOIN entries USING (execution_id) -- a dispatch of nobody fails, rather than go
ORDER BY position;
SELECT setval(pg_get_serial_sequence('outbox', 'position'), 1 + coalesce(max(position), 0), false) FROM outbox;
DROP TABLE dispatches_before;
