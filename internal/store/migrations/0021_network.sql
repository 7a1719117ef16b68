-- Networks: what accounts tell of theirs in each Region, and what can be
-- reached of their instances.

-- +goose Up

-- Facts by the digest of what they say, in parts of bounded size.
CREATE TABLE network_contents (
    digest TEXT   NOT NULL,
    part   BIGINT NOT NULL,
    body   BYTEA  NOT NULL,
    PRIMARY KEY (digest, part)
);

-- The facts in force of an account in a Region. source is UPLOAD or COLLECTOR.
-- failure says why the last attempt to look brought nothing, "" where it did;
-- the facts before it stay.
CREATE TABLE network_snapshots (
    account      TEXT   NOT NULL,
    region       TEXT   NOT NULL,
    digest       TEXT   NOT NULL,
    source       TEXT   NOT NULL,
    -- When the account first told anything, when it told this, and when what
    -- follows was last worked out.
    first_at     BIGINT NOT NULL,
    stored_at    BIGINT NOT NULL,
    collected_at BIGINT NOT NULL,
    analysed_at  BIGINT NOT NULL,
    size         BIGINT NOT NULL,
    vpcs         BIGINT NOT NULL,
    interfaces   BIGINT NOT NULL,
    instances    BIGINT NOT NULL,
    failed_at    BIGINT NOT NULL,
    failure      TEXT   NOT NULL,
    failure_text TEXT   NOT NULL,
    PRIMARY KEY (account, region)
);
CREATE INDEX network_snapshots_by_digest ON network_snapshots (digest);

-- Files of uploads that are not complete, in parts, as they came.
CREATE TABLE network_uploads (
    account TEXT   NOT NULL,
    region  TEXT   NOT NULL,
    upload  TEXT   NOT NULL,
    name    TEXT   NOT NULL,
    part    BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    body    BYTEA  NOT NULL,
    PRIMARY KEY (account, region, upload, name, part)
);

-- What can be reached of an instance.
CREATE TABLE network_instances (
    account  TEXT    NOT NULL,
    region   TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    -- finding.Reach, and how where it is the internet.
    reach    TEXT    NOT NULL,
    path     TEXT    NOT NULL,
    -- JSON list of finding.Content.
    findings TEXT    NOT NULL,
    -- A digest of what the facts tell of the instance itself.
    details  TEXT    NOT NULL,
    -- Coverage of the network scan: only covered instances are listed.
    covered  BOOLEAN NOT NULL,
    status   TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    PRIMARY KEY (account, region, id)
);

-- +goose Down
DROP TABLE network_instances;
DROP TABLE network_uploads;
DROP TABLE network_snapshots;
DROP TABLE network_contents;
