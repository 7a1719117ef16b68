-- +goose Up

-- Codes with which hosts enrol. The code itself is never stored.
CREATE TABLE agent_activations (
    account    TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    -- The hexadecimal SHA-256 of the code.
    code_hash  TEXT   NOT NULL UNIQUE,
    label      TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    uses       BIGINT NOT NULL,
    uses_limit BIGINT NOT NULL,
    PRIMARY KEY (account, region, id)
);

-- Hosts that an agent speaks for.
CREATE TABLE agent_hosts (
    account        TEXT   NOT NULL,
    region         TEXT   NOT NULL,
    host_id        TEXT   NOT NULL UNIQUE,
    -- The hash of the machine's own id, NULL where it has none: the same
    -- machine enrolling again in the same account and Region is the same host.
    machine_hash   TEXT,
    label          TEXT   NOT NULL,
    public_key     BYTEA  NOT NULL,
    status         TEXT   NOT NULL,
    activation_id  TEXT   NOT NULL,
    agent_version  TEXT   NOT NULL,
    enrolled_at    BIGINT NOT NULL,
    revoked_at     BIGINT NOT NULL,
    last_seen      BIGINT NOT NULL,
    -- The highest sequence number accepted from the current key.
    sequence       BIGINT NOT NULL,
    inventory_hash TEXT   NOT NULL,
    PRIMARY KEY (account, region, host_id),
    -- In this order, because PostgreSQL without statistics would take an index
    -- that begins like the primary key for as good, and read a whole account.
    UNIQUE (machine_hash, account, region)
);

CREATE INDEX agent_hosts_by_key ON agent_hosts (public_key);
