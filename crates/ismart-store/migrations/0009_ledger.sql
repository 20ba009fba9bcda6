-- One ledger of leads: persons over all channels, repeats with what was new, judgements on suspected requests, who works
-- on a lead, and how far the event log was counted.

CREATE TABLE persons (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    merged_into TEXT REFERENCES persons (id),
    created_at BIGINT NOT NULL
);
CREATE INDEX persons_by_merge ON persons (merged_into);

-- A phone or an e-mail address, and the person that it was first seen with. Touching the row is what makes two requests
-- of one person wait for each other. A shared one (a switchboard) says nothing about who somebody is.
CREATE TABLE contacts (
    client_id TEXT NOT NULL REFERENCES clients (id),
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    person_id TEXT REFERENCES persons (id),
    shared BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, kind, value)
);
CREATE INDEX contacts_by_person ON contacts (person_id);

-- The names that came with a phone or an address, letters and order made equal.
CREATE TABLE contact_names (
    client_id TEXT NOT NULL REFERENCES clients (id),
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    name TEXT NOT NULL,
    person_id TEXT NOT NULL REFERENCES persons (id),
    PRIMARY KEY (client_id, kind, value, name)
);

CREATE TABLE merges (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    person_id TEXT NOT NULL REFERENCES persons (id),
    into_id TEXT NOT NULL REFERENCES persons (id),
    lead_id TEXT,
    why TEXT NOT NULL,
    user_id TEXT,
    at BIGINT NOT NULL,
    undone_at BIGINT,
    undone_by TEXT
);
CREATE INDEX merges_by_person ON merges (person_id);
CREATE INDEX merges_by_into ON merges (into_id);

CREATE TABLE persons_apart (
    client_id TEXT NOT NULL REFERENCES clients (id),
    one TEXT NOT NULL REFERENCES persons (id),
    other TEXT NOT NULL REFERENCES persons (id),
    user_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (one, other)
);

ALTER TABLE leads ADD COLUMN person_id TEXT REFERENCES persons (id);
ALTER TABLE leads ADD COLUMN words TEXT NOT NULL DEFAULT '';
ALTER TABLE leads ADD COLUMN owner_id TEXT;
CREATE INDEX leads_by_person ON leads (person_id, accepted_at);
CREATE INDEX leads_without_person ON leads (client_id, id) WHERE person_id IS NULL;
CREATE INDEX leads_by_phone ON leads (client_id, phone, accepted_at);
CREATE INDEX leads_by_email ON leads (client_id, email, accepted_at);
CREATE INDEX leads_by_owner ON leads (client_id, owner_id, accepted_at);
CREATE INDEX deliveries_by_state ON deliveries (client_id, state, destination);
CREATE INDEX deliveries_by_record ON deliveries (client_id, external_id);

CREATE TABLE lead_repeats (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    lead_id TEXT NOT NULL REFERENCES leads (id),
    at BIGINT NOT NULL,
    idempotency_key TEXT,
    fresh TEXT NOT NULL,
    draft TEXT NOT NULL
);
CREATE UNIQUE INDEX lead_repeats_by_key ON lead_repeats (client_id, idempotency_key);
CREATE INDEX lead_repeats_by_lead ON lead_repeats (lead_id, at);

CREATE TABLE judgements (
    lead_id TEXT PRIMARY KEY REFERENCES leads (id),
    client_id TEXT NOT NULL REFERENCES clients (id),
    score BIGINT NOT NULL,
    signals TEXT NOT NULL,
    state TEXT NOT NULL,
    phone TEXT,
    email TEXT,
    sender TEXT,
    at BIGINT NOT NULL,
    decided_at BIGINT,
    decided_by TEXT,
    reason TEXT,
    note TEXT
);
CREATE INDEX judgements_by_state ON judgements (client_id, state, at);
CREATE INDEX judgements_by_phone ON judgements (client_id, phone, state);
CREATE INDEX judgements_by_email ON judgements (client_id, email, state);
CREATE INDEX judgements_by_sender ON judgements (client_id, sender, state);

CREATE TABLE lead_marks (
    client_id TEXT NOT NULL REFERENCES clients (id),
    lead_id TEXT NOT NULL REFERENCES leads (id),
    mark TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (lead_id, mark)
);
CREATE INDEX lead_marks_by_mark ON lead_marks (client_id, mark);

CREATE TABLE lead_views (
    client_id TEXT NOT NULL REFERENCES clients (id),
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    user_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (client_id, name)
);

-- Rules of the ledger, as the configuration says them for each client.
CREATE TABLE lead_rules (
    client_id TEXT PRIMARY KEY REFERENCES clients (id),
    rules TEXT NOT NULL
);

-- What the event log adds up to, up to and including the event `seq`.
CREATE TABLE ledger_counts (
    client_id TEXT PRIMARY KEY REFERENCES clients (id),
    seq BIGINT NOT NULL,
    counts TEXT NOT NULL,
    at BIGINT NOT NULL
);
