-- Webhooks tell what became of messages. A run brings it into the results of their dispatches.

CREATE TABLE receipts (
    provider text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    dispatch_key text COLLATE "C",
    outcome text COLLATE "C" NOT NULL
        CHECK (outcome IN ('accepted', 'delivered', 'failed', 'complained', 'unsubscribed')),
    reason text,
    at timestamptz NOT NULL,
    is_applied boolean NOT NULL DEFAULT false,
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (provider, event_id)
);
CREATE INDEX receipts_to_apply ON receipts (at) WHERE NOT is_applied AND dispatch_key IS NOT NULL;
COMMENT ON TABLE receipts IS 'What providers told of messages after they had taken them over, each event once';
COMMENT ON COLUMN receipts.dispatch_key IS 'Null: a message that is none of ours';
COMMENT ON COLUMN receipts.is_applied IS 'Whether a run has brought it into the result of its dispatch';
COMMENT ON COLUMN receipts.position IS 'Order in which rows were written';
