-- Rollouts: orders to switch scan types on or off for many accounts in many
-- Regions, how far they have come, and what became of every account.

-- +goose Up

-- One order. Lists are JSON. request is a digest of what was asked, for the
-- idempotency token.
CREATE TABLE rollouts (
    account       TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    action        TEXT    NOT NULL,
    types         TEXT    NOT NULL,
    associate     BOOLEAN NOT NULL,
    status        TEXT    NOT NULL,
    account_count BIGINT  NOT NULL,
    client_token  TEXT    NOT NULL,
    request       TEXT    NOT NULL,
    created_at    BIGINT  NOT NULL,
    completed_at  BIGINT  NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE INDEX rollouts_by_token ON rollouts (account, client_token) WHERE client_token <> '';

-- The accounts of an order, as they were when it was given: JSON lists of some
-- hundred ids, in ascending order.
CREATE TABLE rollout_targets (
    account  TEXT   NOT NULL,
    rollout  TEXT   NOT NULL,
    portion  BIGINT NOT NULL,
    accounts TEXT   NOT NULL,
    PRIMARY KEY (account, rollout, portion)
);

-- How far an order has come in a Region: portion is the next one.
CREATE TABLE rollout_regions (
    account       TEXT   NOT NULL,
    rollout       TEXT   NOT NULL,
    region        TEXT   NOT NULL,
    status        TEXT   NOT NULL,
    portion       BIGINT NOT NULL,
    succeeded     BIGINT NOT NULL,
    failed        BIGINT NOT NULL,
    error_code    TEXT   NOT NULL,
    error_message TEXT   NOT NULL,
    PRIMARY KEY (account, rollout, region)
);

-- What became of an account in a Region; outcome is JSON.
CREATE TABLE rollout_results (
    account TEXT    NOT NULL,
    rollout TEXT    NOT NULL,
    region  TEXT    NOT NULL,
    target  TEXT    NOT NULL,
    failed  BOOLEAN NOT NULL,
    outcome TEXT    NOT NULL,
    PRIMARY KEY (account, rollout, region, target)
);

-- +goose Down
DROP TABLE rollout_results;
DROP TABLE rollout_regions;
DROP TABLE rollout_targets;
DROP TABLE rollouts;
