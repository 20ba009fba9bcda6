-- A draft belongs to a person or to a key of the API: programs prepare changes beside people, not in their drafts.
-- `drafter` is the id of either; the tables are made anew because the old column could only name people.

CREATE TABLE site_drafts_of_drafters (
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL REFERENCES sites (id),
    drafter TEXT NOT NULL,
    path TEXT NOT NULL,
    base_digest TEXT,
    digest TEXT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (site_id, drafter, path)
);
INSERT INTO site_drafts_of_drafters (client_id, site_id, drafter, path, base_digest, digest, updated_at)
SELECT client_id, site_id, user_id, path, base_digest, digest, updated_at FROM site_drafts;
DROP TABLE site_drafts;
ALTER TABLE site_drafts_of_drafters RENAME TO site_drafts;

CREATE TABLE site_previews_of_drafters (
    token_sha256 TEXT PRIMARY KEY,
    client_id TEXT NOT NULL REFERENCES clients (id),
    site_id TEXT NOT NULL REFERENCES sites (id),
    drafter TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
INSERT INTO site_previews_of_drafters (token_sha256, client_id, site_id, drafter, created_at, expires_at)
SELECT token_sha256, client_id, site_id, user_id, created_at, expires_at FROM site_previews;
DROP TABLE site_previews;
ALTER TABLE site_previews_of_drafters RENAME TO site_previews;
CREATE INDEX site_previews_by_drafter ON site_previews (site_id, drafter);
