-- Keys of the API: only the SHA-256 of a key is kept. `scopes` holds wire names joined by spaces.
CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT REFERENCES sites (id),
    name TEXT NOT NULL,
    hint TEXT NOT NULL,
    token_sha256 TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX api_tokens_by_client ON api_tokens (client_id, created_at);

-- What was answered to a request that carried an Idempotency-Key: the same key gets the same answer.
CREATE TABLE api_answers (
    client_id TEXT NOT NULL REFERENCES clients (id),
    operation TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_sha256 TEXT NOT NULL,
    status BIGINT NOT NULL,
    body TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (client_id, operation, idempotency_key)
);
