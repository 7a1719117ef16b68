-- Images that are kept here: blobs in parts, uploads that are not complete,
-- and which repositories have which blobs.

-- +goose Up

CREATE TABLE image_uploads (
    account    TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    repository TEXT   NOT NULL,
    size       BIGINT NOT NULL,
    -- The state of SHA-256 over what has come.
    digest     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, id)
);

-- Parts of uploads, which remain as those of blobs.
CREATE TABLE image_parts (
    account  TEXT   NOT NULL,
    region   TEXT   NOT NULL,
    upload   TEXT   NOT NULL,
    -- The place of its first byte.
    begin_at BIGINT NOT NULL,
    data     BYTEA  NOT NULL,
    PRIMARY KEY (account, region, upload, begin_at)
);

CREATE TABLE image_blobs (
    account    TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    -- The upload whose parts it has.
    upload     TEXT   NOT NULL,
    size       BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, digest)
);

CREATE TABLE image_blob_repositories (
    account    TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    repository TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    linked_at  BIGINT NOT NULL,
    PRIMARY KEY (account, region, repository, digest)
);
CREATE INDEX image_blob_repositories_by_digest ON image_blob_repositories (account, region, digest);

-- +goose Down
DROP TABLE image_blob_repositories;
DROP TABLE image_blobs;
DROP TABLE image_parts;
DROP TABLE image_uploads;
