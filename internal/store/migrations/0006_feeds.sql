-- +goose Up

-- The one row that says which generation of advisory files is in service; 0
-- before the first import. Its change is what makes an import happen.
CREATE TABLE feed_current (
    id         BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    generation BIGINT NOT NULL
);
INSERT INTO feed_current (id, generation) VALUES (1, 0);

-- Every generation that was ever in service, newest ones with their files.
CREATE TABLE feed_generations (
    generation    BIGINT NOT NULL PRIMARY KEY,
    created_at    BIGINT NOT NULL,
    -- Where the files came from: a folder, an address, the publishers.
    origin        TEXT   NOT NULL,
    -- The generation whose files were taken back, else 0.
    restored_from BIGINT NOT NULL
);

-- What is known of each source of a mirror: "osv/Debian", "kev.json".
CREATE TABLE feed_sources (
    name          TEXT   NOT NULL PRIMARY KEY,
    -- The import in service: empty hash and zeros before the first.
    hash          TEXT   NOT NULL,
    records       BIGINT NOT NULL,
    generation    BIGINT NOT NULL,
    published_at  BIGINT NOT NULL,
    imported_at   BIGINT NOT NULL,
    -- The last look: current, rejected, unreachable or absent, and why.
    status        TEXT   NOT NULL,
    reason        TEXT   NOT NULL,
    checked_at    BIGINT NOT NULL,
    -- Since when the status has been other than current, else 0.
    failing_since BIGINT NOT NULL,
    -- Where the import came from, and the server's validators there.
    url           TEXT   NOT NULL,
    etag          TEXT   NOT NULL,
    last_modified TEXT   NOT NULL
);
