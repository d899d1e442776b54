-- Replays that Dagster keeps, apart from the journey store: no table of it is named here. Columns are those of the
-- store's views of the same name, after the name of the replay.

CREATE SCHEMA IF NOT EXISTS journeys_replay;
COMMENT ON SCHEMA journeys_replay IS 'Journeys walked over past days; nobody was written to';

CREATE TABLE IF NOT EXISTS journeys_replay.replays (
    replay text COLLATE "C" PRIMARY KEY,
    documents jsonb NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    hash text NOT NULL,
    customer_days bigint NOT NULL,
    seconds double precision NOT NULL,
    run_id text NOT NULL,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY
);
COMMENT ON TABLE journeys_replay.replays IS 'One row for each replay; made again under the same name, it is replaced';
COMMENT ON COLUMN journeys_replay.replays.documents IS 'The journey documents that were walked';
COMMENT ON COLUMN journeys_replay.replays.hash IS 'Equal for replays that came to the same rows';
COMMENT ON COLUMN journeys_replay.replays.customer_days IS 'Customers looked at on all days together';
COMMENT ON COLUMN journeys_replay.replays.run_id IS 'Of the Dagster run';
COMMENT ON COLUMN journeys_replay.replays.position IS 'Order in which rows were written';

CREATE TABLE IF NOT EXISTS journeys_replay.executions (
    replay text COLLATE "C" NOT NULL,
    execution_id text COLLATE "C" NOT NULL,
    journey_key text COLLATE "C" NOT NULL,
    journey_version bigint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    entry_number bigint NOT NULL,
    entered_via text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    current_node_id text COLLATE "C",
    visit bigint,
    visits jsonb,
    context jsonb,
    due_at timestamptz,
    entered_at timestamptz NOT NULL,
    arrived_at timestamptz,
    ended_at timestamptz,
    waiting_for text COLLATE "C",
    events_since timestamptz,
    action_status text COLLATE "C",
    missing_since timestamptz,
    outcome text COLLATE "C",
    failure text COLLATE "C",
    PRIMARY KEY (replay, execution_id)
);
COMMENT ON TABLE journeys_replay.executions IS 'Where everybody of a replay was at its end';

CREATE TABLE IF NOT EXISTS journeys_replay.transitions (
    replay text COLLATE "C" NOT NULL,
    execution_id text COLLATE "C" NOT NULL,
    journey_key text COLLATE "C" NOT NULL,
    journey_version bigint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    node_id text COLLATE "C" NOT NULL,
    visit bigint NOT NULL,
    branch text COLLATE "C",
    at timestamptz NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    run_as_of timestamptz NOT NULL,
    snapshot_id text COLLATE "C",
    fingerprint text COLLATE "C",
    PRIMARY KEY (replay, execution_id, node_id, visit)
);
COMMENT ON TABLE journeys_replay.transitions IS 'One row for each node that was left in a replay';

CREATE TABLE IF NOT EXISTS journeys_replay.dispatches (
    replay text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    execution_id text COLLATE "C" NOT NULL,
    journey_key text COLLATE "C" NOT NULL,
    journey_version bigint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    node_id text COLLATE "C" NOT NULL,
    visit bigint NOT NULL,
    action_type text COLLATE "C" NOT NULL,
    priority bigint NOT NULL,
    status text COLLATE "C" NOT NULL,
    attempt bigint NOT NULL,
    payload jsonb,
    requested_at timestamptz NOT NULL,
    due_at timestamptz,
    next_at timestamptz,
    left_at timestamptz,
    settled_at timestamptz,
    reason text COLLATE "C",
    result jsonb,
    run_id text COLLATE "C",
    snapshot_id text COLLATE "C",
    PRIMARY KEY (replay, key)
);
COMMENT ON TABLE journeys_replay.dispatches IS 'What would have been sent; the response model answered, nobody else';

CREATE TABLE IF NOT EXISTS journeys_replay.points_transactions (
    replay text COLLATE "C" NOT NULL,
    dispatch_key text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    program_id bigint NOT NULL,
    points bigint NOT NULL,
    reason text COLLATE "C",
    at timestamptz NOT NULL,
    balance_after bigint NOT NULL,
    PRIMARY KEY (replay, dispatch_key)
);
COMMENT ON TABLE journeys_replay.points_transactions IS 'Points that would have been awarded; no account changed';
