-- One customer can be forgotten: rows keep their counts under a pseudonym, suppressed addresses become salted hashes.

CREATE TABLE erasures (
    erasure_id text COLLATE "C" PRIMARY KEY,
    at timestamptz NOT NULL,
    rows jsonb NOT NULL
);
COMMENT ON TABLE erasures IS 'Customers who were forgotten, each without a name';
COMMENT ON COLUMN erasures.rows IS 'Table to how many of its rows were emptied or removed';

CREATE TABLE erasure_salt (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    salt text NOT NULL
);
COMMENT ON TABLE erasure_salt IS 'One row once a suppressed address has become a hash';
COMMENT ON COLUMN erasure_salt.salt IS 'What stands before an address that is hashed';

COMMENT ON TABLE entries IS
    'Who entered which journey when; a row is never removed, and changes only when its customer is forgotten';
COMMENT ON COLUMN suppressions.address IS 'As it is written to, or sha256: and a salted hash where its owner was forgotten';
