-- Somebody who unsubscribes from marketing still gets what is transactional: an address is suppressed for a purpose.

ALTER TABLE suppressions
    ADD COLUMN purpose text COLLATE "C" NOT NULL DEFAULT 'all' CHECK (purpose IN ('all', 'marketing'));
ALTER TABLE suppressions DROP CONSTRAINT suppressions_pkey;
ALTER TABLE suppressions ADD PRIMARY KEY (channel, address, purpose);
COMMENT ON COLUMN suppressions.purpose IS 'What for: everything, or marketing only';
