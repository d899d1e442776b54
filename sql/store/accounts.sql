-- name: balances
-- purpose: loyalty accounts of these customers
SELECT * FROM loyalty_accounts
WHERE customer_id IN (SELECT id FROM incoming_ids)
ORDER BY customer_id, program_id;

-- name: open_accounts
-- purpose: accounts for customers who have none yet
INSERT INTO loyalty_accounts (customer_id, program_id, points_balance)
SELECT DISTINCT customer_id, program_id, 0
FROM incoming_points_transactions
ORDER BY customer_id, program_id
ON CONFLICT (customer_id, program_id) DO NOTHING;

-- name: lock_accounts
-- purpose: keep others from awarding to the same accounts meanwhile, in an order that cannot deadlock
SELECT FROM loyalty_accounts
WHERE (customer_id, program_id) IN (SELECT customer_id, program_id FROM incoming_points_transactions)
ORDER BY customer_id, program_id
FOR UPDATE;

-- name: award_points
-- purpose: award what was not awarded yet, each with the balance after it, and carry the sums to the accounts
WITH new AS (
    SELECT DISTINCT ON (dispatch_key) *
    FROM incoming_points_transactions AS incoming
    WHERE NOT EXISTS (
        SELECT FROM points_transactions AS stored WHERE stored.dispatch_key = incoming.dispatch_key
    )
    ORDER BY dispatch_key, incoming_position
), awarded AS (
    INSERT INTO points_transactions (dispatch_key, customer_id, program_id, points, reason, at, balance_after)
    SELECT
        dispatch_key,
        customer_id,
        program_id,
        points,
        reason,
        at,
        points_balance + sum(points) OVER (PARTITION BY customer_id, program_id ORDER BY incoming_position)
    FROM new
    JOIN loyalty_accounts USING (customer_id, program_id)
    ORDER BY incoming_position
    RETURNING customer_id, program_id, points
)
UPDATE loyalty_accounts AS account
SET points_balance = account.points_balance + earned.points
FROM (SELECT customer_id, program_id, sum(points) AS points FROM awarded GROUP BY customer_id, program_id) AS earned
WHERE account.customer_id = earned.customer_id AND account.program_id = earned.program_id;

-- name: awarded_points
-- purpose: the stored awards of the rows that came, in their order
SELECT stored.*
FROM incoming_points_transactions AS incoming
JOIN points_transactions AS stored USING (dispatch_key)
ORDER BY incoming.incoming_position;

-- name: campaigns
-- purpose: those campaigns that exist
SELECT * FROM campaigns WHERE campaign_id IN (SELECT number FROM incoming_numbers) ORDER BY campaign_id;

-- name: add_campaigns
-- purpose: make campaigns known
INSERT INTO campaigns (campaign_id, name, channel)
SELECT campaign_id, name, channel
FROM incoming_campaigns
ORDER BY incoming_position
ON CONFLICT (campaign_id) DO NOTHING;

-- name: add_campaign_executions
-- purpose: record campaigns as delivered, each dispatch once
INSERT INTO campaign_executions (dispatch_key, campaign_id, customer_id, channel, at)
SELECT dispatch_key, campaign_id, customer_id, channel, at
FROM incoming_campaign_executions
ORDER BY incoming_position
ON CONFLICT (dispatch_key) DO NOTHING;
