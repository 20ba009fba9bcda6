-- Types are chosen so that one text serves both engines: TEXT for ids, names and JSON, BIGINT for numbers, for
-- flags (0 or 1) and for instants (microseconds since 1970, UTC). {serial} differs: see src/migrate.rs.

CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    lead_count BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);

CREATE TABLE sites (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE events (
    seq {serial},
    id TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT,
    at BIGINT NOT NULL,
    trace_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    version BIGINT NOT NULL,
    conversation_id TEXT,
    lead_id TEXT,
    data TEXT NOT NULL
);
CREATE INDEX events_by_kind ON events (client_id, kind, at);
CREATE INDEX events_by_conversation ON events (conversation_id, seq);
CREATE INDEX events_by_lead ON events (lead_id, seq);

CREATE TABLE visitors (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL REFERENCES sites (id),
    token_sha256 TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE visits (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL,
    visitor_id TEXT NOT NULL REFERENCES visitors (id),
    started_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    landing_url TEXT NOT NULL,
    referrer TEXT,
    utm TEXT NOT NULL
);
CREATE INDEX visits_by_visitor ON visits (visitor_id, last_at);

CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL,
    visitor_id TEXT NOT NULL REFERENCES visitors (id),
    visit_id TEXT,
    worker TEXT NOT NULL,
    mode TEXT NOT NULL,
    user_id TEXT,
    memory TEXT NOT NULL,
    last_seq BIGINT NOT NULL,
    handled_seq BIGINT NOT NULL,
    person_due_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX conversations_by_client ON conversations (client_id, updated_at);
CREATE INDEX conversations_by_visitor ON conversations (visitor_id, updated_at);

CREATE TABLE messages (
    conversation_id TEXT NOT NULL REFERENCES conversations (id),
    seq BIGINT NOT NULL,
    client_id TEXT NOT NULL REFERENCES clients (id),
    id TEXT NOT NULL,
    author TEXT NOT NULL,
    name TEXT,
    text TEXT NOT NULL,
    extras TEXT NOT NULL,
    inbound TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, seq)
);
CREATE UNIQUE INDEX messages_by_id ON messages (conversation_id, id);

CREATE TABLE leads (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    accepted_at BIGINT NOT NULL,
    intent TEXT NOT NULL,
    channel TEXT NOT NULL,
    name TEXT,
    phone TEXT,
    email TEXT,
    conversation_id TEXT,
    visit_id TEXT,
    idempotency_key TEXT,
    fingerprint TEXT NOT NULL,
    test BIGINT NOT NULL,
    draft TEXT NOT NULL
);
CREATE UNIQUE INDEX leads_by_number ON leads (client_id, number);
CREATE UNIQUE INDEX leads_by_key ON leads (client_id, idempotency_key);
CREATE INDEX leads_by_time ON leads (client_id, accepted_at);
CREATE INDEX leads_by_fingerprint ON leads (client_id, fingerprint, accepted_at);
CREATE INDEX leads_by_conversation ON leads (conversation_id);

CREATE TABLE consents (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    lead_id TEXT NOT NULL REFERENCES leads (id),
    purpose TEXT NOT NULL,
    given_at BIGINT NOT NULL,
    text_sha256 TEXT NOT NULL,
    draft TEXT NOT NULL
);
CREATE INDEX consents_by_lead ON consents (lead_id);

CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    lead_id TEXT NOT NULL REFERENCES leads (id),
    destination TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    external_id TEXT,
    reason TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX deliveries_by_lead ON deliveries (lead_id, destination);
CREATE INDEX deliveries_due ON deliveries (state, due_at);

CREATE TABLE attempts (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    delivery_id TEXT NOT NULL REFERENCES deliveries (id),
    number BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT
);
CREATE INDEX attempts_by_delivery ON attempts (delivery_id, number);

CREATE TABLE bookings (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    resource TEXT,
    name TEXT NOT NULL,
    phone TEXT NOT NULL,
    conversation_id TEXT,
    idempotency_key TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX bookings_by_lane ON bookings (site_id, starts_at, lane);
CREATE UNIQUE INDEX bookings_by_key ON bookings (client_id, idempotency_key);

CREATE TABLE tool_effects (
    client_id TEXT NOT NULL REFERENCES clients (id),
    idempotency_key TEXT NOT NULL,
    tool TEXT NOT NULL,
    outcome TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (client_id, idempotency_key)
);

CREATE TABLE worker_switches (
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL,
    worker TEXT NOT NULL,
    active BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (site_id, worker)
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    client_id TEXT REFERENCES clients (id),
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    language TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    token_sha256 TEXT NOT NULL UNIQUE,
    csrf TEXT NOT NULL,
    client_id TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
