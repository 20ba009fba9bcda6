-- Files that came with leads. The bytes lie in the folder of files, beside the database.
CREATE TABLE files (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    lead_id TEXT,
    unread_id TEXT,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX files_by_lead ON files (client_id, lead_id);
CREATE INDEX files_by_unread ON files (client_id, unread_id);

-- What came in by a door and could not be read as a lead: a person reads it.
CREATE TABLE unread (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL,
    door TEXT NOT NULL,
    kind TEXT NOT NULL,
    arrival_key TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    media_type TEXT NOT NULL,
    body TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    lead_id TEXT,
    settled_by TEXT,
    settled_at BIGINT,
    verdict TEXT
);
CREATE UNIQUE INDEX unread_by_key ON unread (client_id, door, arrival_key);
CREATE INDEX unread_by_state ON unread (client_id, state, received_at);

-- What providers told of calls, as far as it has come.
CREATE TABLE calls (
    client_id TEXT NOT NULL REFERENCES clients (id),
    door TEXT NOT NULL,
    call_id TEXT NOT NULL,
    lead_id TEXT NOT NULL,
    phase TEXT NOT NULL,
    seconds BIGINT,
    recording TEXT,
    line TEXT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, door, call_id)
);
CREATE INDEX calls_by_lead ON calls (client_id, lead_id);

-- Files of rows that become leads, and how far each has come.
CREATE TABLE imports (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL,
    file_name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    plan TEXT NOT NULL,
    state TEXT NOT NULL,
    last_row BIGINT NOT NULL,
    added BIGINT NOT NULL,
    repeated BIGINT NOT NULL,
    faulty BIGINT NOT NULL,
    reason TEXT NOT NULL,
    made_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX imports_by_client ON imports (client_id, created_at);
CREATE INDEX imports_by_state ON imports (state);

CREATE TABLE import_faults (
    client_id TEXT NOT NULL REFERENCES clients (id),
    import_id TEXT NOT NULL REFERENCES imports (id),
    row_number BIGINT NOT NULL,
    reason TEXT NOT NULL,
    cells TEXT NOT NULL,
    PRIMARY KEY (import_id, row_number)
);

-- Where the reading of a mailbox stands.
CREATE TABLE mailboxes (
    client_id TEXT NOT NULL REFERENCES clients (id),
    door TEXT NOT NULL,
    validity BIGINT NOT NULL,
    last_uid BIGINT NOT NULL,
    tried_at BIGINT NOT NULL,
    good_at BIGINT,
    note TEXT NOT NULL,
    failures BIGINT NOT NULL,
    PRIMARY KEY (client_id, door)
);
