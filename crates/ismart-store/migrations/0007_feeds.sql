-- How the last fetching of a site's inventory feed went. The feed itself is a file of the site folder.
CREATE TABLE site_feeds (
    site_id TEXT PRIMARY KEY REFERENCES sites (id),
    client_id TEXT NOT NULL REFERENCES clients (id),
    url TEXT NOT NULL,
    etag TEXT,
    last_modified TEXT,
    tried_at BIGINT NOT NULL,
    good_at BIGINT,
    state TEXT NOT NULL,
    note TEXT NOT NULL,
    items BIGINT NOT NULL,
    failures BIGINT NOT NULL
);
CREATE INDEX site_feeds_by_client ON site_feeds (client_id, site_id);
