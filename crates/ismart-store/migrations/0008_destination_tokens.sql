-- The newest pair of tokens of a destination that replaces them at every use (amoCRM). `version` 0 is a place without a
-- pair yet. Who replaces a pair holds the claim meanwhile; the pair before is kept to explain what went wrong.
CREATE TABLE destination_tokens (
    client_id TEXT NOT NULL REFERENCES clients (id),
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    access TEXT NOT NULL,
    access_until BIGINT NOT NULL,
    refresh TEXT NOT NULL,
    previous_refresh TEXT,
    claimed_until BIGINT NOT NULL,
    PRIMARY KEY (client_id, name)
);
