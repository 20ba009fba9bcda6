-- What visitors asked sites for: how often a rule of redirects was followed, which addresses lead nowhere. Counted in
-- memory and added here in batches. `kind` is `exact`, `prefix`, `missing`, or `since` (one row a site, its `first_at`
-- says from when on the site is counted).
CREATE TABLE site_addresses (
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL REFERENCES sites (id),
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    hits BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    referrer TEXT,
    PRIMARY KEY (site_id, kind, address)
);
CREATE INDEX site_addresses_by_hits ON site_addresses (site_id, kind, hits);
