-- +goose Up

-- Work to do, written in the transaction that causes it. There is one row per
-- (kind, key): asking again for work that waits keeps one row, asking for work
-- that runs right now makes it run once more (generation).
CREATE TABLE jobs (
    id         TEXT   NOT NULL PRIMARY KEY,
    kind       TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    account    TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    payload    BYTEA,
    -- When it may run; while it runs, when its lease ends.
    run_at     BIGINT NOT NULL,
    -- When it was asked for again while running, else 0.
    again_at   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    -- The claim that runs it, or ''.
    lease      TEXT   NOT NULL,
    -- The last failure, and whether it failed too often to go on.
    error      TEXT   NOT NULL,
    parked     BOOLEAN NOT NULL,
    UNIQUE (kind, key)
);
CREATE INDEX jobs_due ON jobs (kind, run_at) WHERE NOT parked;
CREATE INDEX jobs_parked ON jobs (id) WHERE parked;

-- What happened, for subscribers (the outbox).
CREATE TABLE events (
    account     TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    region      TEXT   NOT NULL,
    source      TEXT   NOT NULL,
    detail_type TEXT   NOT NULL,
    -- A JSON list of ARNs, and a JSON object.
    resources   TEXT   NOT NULL,
    detail      TEXT   NOT NULL,
    time        BIGINT NOT NULL,
    -- When delivery may be tried; while it is being tried, when the lease ends.
    deliver_at  BIGINT NOT NULL,
    attempts    BIGINT NOT NULL,
    lease       TEXT   NOT NULL,
    delivered   BOOLEAN NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE INDEX events_pending ON events (id) WHERE NOT delivered;

CREATE TABLE settings (
    name       TEXT   NOT NULL PRIMARY KEY,
    value      TEXT   NOT NULL,
    updated_at BIGINT NOT NULL
);
