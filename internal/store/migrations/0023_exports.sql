-- Findings reports and SBOM exports, and the objects that they consist of.

-- +goose Up

CREATE TABLE exports (
    account     TEXT   NOT NULL,
    region      TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    format      TEXT   NOT NULL,
    bucket      TEXT   NOT NULL,
    prefix      TEXT   NOT NULL,
    kms_key     TEXT   NOT NULL,
    -- What to export, as JSON in the desk's own form.
    criteria    TEXT   NOT NULL,
    status      TEXT   NOT NULL,
    error_code  TEXT   NOT NULL,
    error       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    -- 0 while it is in progress.
    finished_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, id)
);
CREATE INDEX exports_in_progress ON exports (account, region, kind) WHERE status = 'IN_PROGRESS';
CREATE INDEX exports_finished ON exports (finished_at) WHERE finished_at > 0;

CREATE TABLE export_objects (
    account  TEXT   NOT NULL,
    region   TEXT   NOT NULL,
    export   TEXT   NOT NULL,
    key      TEXT   NOT NULL,
    size     BIGINT NOT NULL,
    -- The file in the server's own folder, '' where only the bucket has it.
    file     TEXT   NOT NULL,
    PRIMARY KEY (account, region, export, key)
);

-- +goose Down
DROP TABLE export_objects;
DROP TABLE exports;
