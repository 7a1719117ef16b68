-- Collectors: accounts whose networks are looked at in AWS itself.

-- +goose Up

-- spec is JSON: Regions, accounts, role, external id, key and interval. secret
-- is the sealed secret access key, empty where the server's own is used.
-- started_at is when the last round began, 0 for never; message says what kept
-- it from beginning, "" for nothing.
CREATE TABLE network_collectors (
    account    TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    spec       TEXT   NOT NULL,
    secret     BYTEA,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    message    TEXT   NOT NULL,
    PRIMARY KEY (account, region, id)
);
CREATE UNIQUE INDEX network_collectors_by_name ON network_collectors (account, region, name);

-- +goose Down
DROP TABLE network_collectors;
