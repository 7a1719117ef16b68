-- Serverless functions that users upload: what was found in the code of each,
-- the versions of layers, and archives on their way.

-- +goose Up

CREATE TABLE functions (
    account    TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    -- finding.Resource as JSON.
    resource   TEXT   NOT NULL,
    -- What its code holds without its layers: an inventory as agents send it,
    -- compressed.
    content    BYTEA  NOT NULL,
    -- Of the archive, in bytes; and of the inventory, in packages.
    size       BIGINT NOT NULL,
    packages   BIGINT NOT NULL,
    PRIMARY KEY (account, region, name)
);

CREATE TABLE function_layers (
    account    TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    -- SHA-256 of the archive in base64, as AWS writes it.
    digest     TEXT   NOT NULL,
    content    BYTEA  NOT NULL,
    size       BIGINT NOT NULL,
    packages   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- Versions are never given twice, so deleted ones stay, without content.
    deleted    BOOLEAN NOT NULL,
    PRIMARY KEY (account, region, name, version)
);

CREATE TABLE function_uploads (
    account    TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, id)
);
CREATE TABLE function_upload_parts (
    account TEXT   NOT NULL,
    region  TEXT   NOT NULL,
    upload  TEXT   NOT NULL,
    number  BIGINT NOT NULL,
    size    BIGINT NOT NULL,
    data    BYTEA  NOT NULL,
    PRIMARY KEY (account, region, upload, number)
);

-- +goose Down
DROP TABLE function_upload_parts;
DROP TABLE function_uploads;
DROP TABLE function_layers;
DROP TABLE functions;
