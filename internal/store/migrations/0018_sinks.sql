-- Where events go: sinks, and what each of them has yet to be told.

-- +goose Up

CREATE TABLE sinks (
    account       TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    -- The Region whose events it gets, '' for every Region.
    region        TEXT    NOT NULL,
    -- Whether it gets the events of member accounts, too.
    organization  BOOLEAN NOT NULL,
    kind          TEXT    NOT NULL,
    format        TEXT    NOT NULL,
    url           TEXT    NOT NULL,
    -- sinks.Options as JSON.
    options       TEXT    NOT NULL,
    -- Sealed by the keyring.
    secret        BYTEA,
    enabled       BOOLEAN NOT NULL,
    created_at    BIGINT  NOT NULL,
    updated_at    BIGINT  NOT NULL,
    PRIMARY KEY (account, id),
    UNIQUE (account, name)
);
CREATE INDEX sinks_by_creation ON sinks (created_at);

-- What moves while a sink works, apart from its settings: who dispatches does
-- not get in the way of who delivers.
CREATE TABLE sink_positions (
    account TEXT   NOT NULL,
    sink    TEXT   NOT NULL,
    -- The position of the last event dispatched to it.
    last    BIGINT NOT NULL,
    PRIMARY KEY (account, sink)
);
CREATE TABLE sink_progress (
    account      TEXT   NOT NULL,
    sink         TEXT   NOT NULL,
    -- How many events it has taken, and when the last one.
    delivered    BIGINT NOT NULL,
    delivered_at BIGINT NOT NULL,
    -- Failed attempts in a row, the last failure, and when to try again.
    failures     BIGINT NOT NULL,
    failed_at    BIGINT NOT NULL,
    error        TEXT   NOT NULL,
    retry_at     BIGINT NOT NULL,
    PRIMARY KEY (account, sink)
);

-- One row per event that a sink has yet to take, with the event itself: it
-- outlives the outbox. Positions rise in the order of dispatch.
CREATE TABLE deliveries (
    account       TEXT    NOT NULL,
    sink          TEXT    NOT NULL,
    position      BIGINT  NOT NULL,
    -- What is kept in order: the finding, else the resource.
    subject       TEXT    NOT NULL,
    event         TEXT    NOT NULL,
    event_account TEXT    NOT NULL,
    region        TEXT    NOT NULL,
    source        TEXT    NOT NULL,
    detail_type   TEXT    NOT NULL,
    resources     TEXT    NOT NULL,
    detail        TEXT    NOT NULL,
    time          BIGINT  NOT NULL,
    due_at        BIGINT  NOT NULL,
    attempts      BIGINT  NOT NULL,
    error         TEXT    NOT NULL,
    -- Given up at this time, else 0: a dead letter.
    dead_at       BIGINT  NOT NULL,
    PRIMARY KEY (account, sink, position)
);
CREATE INDEX deliveries_waiting ON deliveries (account, sink, position) WHERE dead_at = 0;
CREATE INDEX deliveries_in_turn ON deliveries (account, sink, subject, position) WHERE dead_at = 0;
CREATE INDEX deliveries_dead ON deliveries (account, sink, position) WHERE dead_at > 0;

-- Events are passed on by one transaction, so there is nothing to lease.
ALTER TABLE events DROP COLUMN deliver_at;
ALTER TABLE events DROP COLUMN attempts;
ALTER TABLE events DROP COLUMN lease;

-- +goose Down
ALTER TABLE events ADD COLUMN lease TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN deliver_at BIGINT NOT NULL DEFAULT 0;
DROP TABLE deliveries;
DROP TABLE sink_progress;
DROP TABLE sink_positions;
DROP TABLE sinks;
