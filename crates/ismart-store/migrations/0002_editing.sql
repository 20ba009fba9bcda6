-- Content of sites: what every publication changed, what people prepare, who may change what. The files of the
-- site folder stay what is served; these tables say how they came to be and what comes next.

CREATE TABLE site_blobs (
    client_id TEXT NOT NULL REFERENCES clients (id),
    digest TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (client_id, digest)
);

CREATE TABLE site_revisions (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL REFERENCES sites (id),
    seq BIGINT NOT NULL,
    user_id TEXT,
    origin TEXT NOT NULL,
    message TEXT NOT NULL,
    reason TEXT,
    at BIGINT NOT NULL,
    written BIGINT NOT NULL,
    UNIQUE (site_id, seq)
);
CREATE INDEX site_revisions_unwritten ON site_revisions (written, site_id, seq);

-- Digests of the file before and after; NULL where there was none.
CREATE TABLE site_changes (
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL REFERENCES sites (id),
    seq BIGINT NOT NULL,
    path TEXT NOT NULL,
    before_digest TEXT,
    after_digest TEXT,
    PRIMARY KEY (site_id, seq, path)
);
CREATE INDEX site_changes_by_path ON site_changes (site_id, path, seq);

-- The state after the last revision.
CREATE TABLE site_files (
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL REFERENCES sites (id),
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (site_id, path)
);

CREATE TABLE site_drafts (
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL REFERENCES sites (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    path TEXT NOT NULL,
    base_digest TEXT,
    digest TEXT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (site_id, user_id, path)
);

CREATE TABLE site_schedules (
    id TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL REFERENCES sites (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    due_at BIGINT NOT NULL,
    message TEXT NOT NULL,
    reason TEXT,
    files TEXT NOT NULL,
    state TEXT NOT NULL,
    note TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX site_schedules_due ON site_schedules (state, due_at);

CREATE TABLE site_previews (
    token_sha256 TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL REFERENCES sites (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX site_previews_by_site ON site_previews (site_id, user_id);

CREATE TABLE site_grants (
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL REFERENCES sites (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    scope TEXT NOT NULL,
    may_publish BIGINT NOT NULL,
    PRIMARY KEY (site_id, user_id, scope)
);
