-- What people pay for on sites, step by step, and how many seats a site offers.
CREATE TABLE orders (
    number TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL REFERENCES sites (id),
    item TEXT NOT NULL,
    tickets BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    state TEXT NOT NULL,
    bank_id TEXT,
    pay_url TEXT,
    reason TEXT,
    lead_id TEXT REFERENCES leads (id),
    idempotency_key TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    paid_at BIGINT,
    due_at BIGINT,
    checks BIGINT NOT NULL,
    purchase TEXT NOT NULL
);
CREATE INDEX orders_by_site ON orders (client_id, site_id, created_at);
CREATE INDEX orders_by_item ON orders (client_id, site_id, item);
CREATE INDEX orders_by_bank_id ON orders (client_id, bank_id);
CREATE INDEX orders_due ON orders (due_at);
CREATE UNIQUE INDEX orders_by_key ON orders (client_id, site_id, idempotency_key);

CREATE TABLE order_steps (
    client_id TEXT NOT NULL REFERENCES clients (id),
    order_number TEXT NOT NULL REFERENCES orders (number),
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT NOT NULL,
    note TEXT,
    PRIMARY KEY (order_number, seq)
);

-- The number that the content says, and since when: a number that an editor writes counts what was sold before.
CREATE TABLE order_seats (
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL REFERENCES sites (id),
    item TEXT NOT NULL,
    seats BIGINT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (site_id, item)
);
