-- When a delivery began to be tried, what an attempt sent and got, and the oldest open ones of a destination at hand.
ALTER TABLE deliveries ADD COLUMN begun_at BIGINT;
ALTER TABLE attempts ADD COLUMN trace TEXT;
CREATE INDEX deliveries_open ON deliveries (client_id, destination, created_at, id)
    WHERE state IN ('queued', 'sending', 'waiting', 'verifying', 'paused');
CREATE INDEX deliveries_by_time ON deliveries (client_id, created_at, id);
CREATE INDEX attempts_traced ON attempts (finished_at) WHERE trace IS NOT NULL;

-- Destinations that test leads reach.
CREATE TABLE test_slots (
    client_id TEXT NOT NULL REFERENCES clients (id),
    destination TEXT NOT NULL,
    PRIMARY KEY (client_id, destination)
);

-- Deliveries that wait for a person: whose they are, and until when he decides.
CREATE TABLE attention (
    client_id TEXT NOT NULL REFERENCES clients (id),
    delivery_id TEXT NOT NULL REFERENCES deliveries (id),
    since BIGINT NOT NULL,
    user_id TEXT,
    due_at BIGINT NOT NULL,
    level BIGINT NOT NULL,
    PRIMARY KEY (delivery_id)
);
CREATE INDEX attention_due ON attention (due_at);
CREATE INDEX attention_by_client ON attention (client_id, due_at);

-- What is or was wrong, once per occasion.
CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    alert TEXT NOT NULL,
    subject TEXT NOT NULL,
    facts TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    ended_at BIGINT,
    told_at BIGINT,
    end_told_at BIGINT
);
CREATE UNIQUE INDEX incidents_open ON incidents (client_id, alert, subject) WHERE ended_at IS NULL;
CREATE INDEX incidents_by_time ON incidents (client_id, opened_at);

-- Records of CRMs that leads of ours became, as they were read last.
CREATE TABLE outcome_records (
    client_id TEXT NOT NULL REFERENCES clients (id),
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    record_id BIGINT NOT NULL,
    lead_id TEXT NOT NULL REFERENCES leads (id),
    stage TEXT NOT NULL,
    reached BIGINT NOT NULL,
    status TEXT NOT NULL,
    owner TEXT,
    minor BIGINT,
    reason TEXT,
    changed_at BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, source, kind, record_id)
);
CREATE INDEX outcome_records_by_lead ON outcome_records (lead_id);
CREATE INDEX outcome_records_by_reading ON outcome_records (client_id, source, asked_at);

-- Records that a hook said to have changed and that nobody has read since.
CREATE TABLE outcome_looks (
    client_id TEXT NOT NULL REFERENCES clients (id),
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    record_id BIGINT NOT NULL,
    told_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    PRIMARY KEY (client_id, source, kind, record_id)
);

-- How far the changes of a CRM have been read, by the CRM's own clock.
CREATE TABLE outcome_cursors (
    client_id TEXT NOT NULL REFERENCES clients (id),
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    since BIGINT NOT NULL,
    read_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, source, kind)
);
