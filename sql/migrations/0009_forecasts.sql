-- A run whose entrants or messages leave the bands that a replay gave is held.

CREATE TABLE forecasts (
    journey_key text COLLATE "C" NOT NULL,
    journey_version integer NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    replay_hash text NOT NULL,
    bands jsonb NOT NULL,
    saved_at timestamptz NOT NULL,
    PRIMARY KEY (journey_key, journey_version),
    FOREIGN KEY (journey_key, journey_version) REFERENCES journey_versions
);
COMMENT ON TABLE forecasts IS 'What a day is expected to bring to a version of a journey; the newest version''s holds runs';
COMMENT ON COLUMN forecasts.replay_hash IS 'Of the replay from first_day to last_day that the bands come from';
COMMENT ON COLUMN forecasts.bands IS 'entrants, or an action type, to [low, high] of each weekday, Monday first';
