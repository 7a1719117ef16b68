-- What muster adds to filters: rules that end by themselves, who changed them
-- and when, and how many findings they hid.

-- +goose Up

-- When it stops being a rule, and when it last did so by itself; 0 for never.
ALTER TABLE filters ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE filters ADD COLUMN expired_at BIGINT NOT NULL DEFAULT 0;
-- The ARNs of who created it and who changed it last, '' where nobody knows.
ALTER TABLE filters ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE filters ADD COLUMN updated_by TEXT NOT NULL DEFAULT '';

CREATE TABLE filter_history (
    account     TEXT   NOT NULL,
    region      TEXT   NOT NULL,
    -- filters.id, also of filters that are no more. Entries rise with time.
    filter      TEXT   NOT NULL,
    entry       TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    change      TEXT   NOT NULL,
    principal   TEXT   NOT NULL,
    source_ip   TEXT   NOT NULL,
    request     TEXT   NOT NULL,
    -- The action before, '' where there was none.
    previous    TEXT   NOT NULL,
    -- The filter as it was afterwards, when deleted as it was last.
    owner       TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    action      TEXT   NOT NULL,
    criteria    TEXT   NOT NULL,
    description TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (account, region, filter, entry)
);
CREATE INDEX filter_history_by_entry ON filter_history (account, region, entry);
CREATE INDEX filter_history_by_time ON filter_history (at);

INSERT INTO filter_history (account, region, filter, entry, at, change, principal, source_ip, request, previous, owner, name, action, criteria, description, reason, expires_at)
    SELECT account, region, id, '0', created_at, 'CREATED', '', '', '', '', owner, name, action, criteria, description, reason, 0 FROM filters;

-- How many findings of an account a rule has hidden, and how many of those are
-- back, by the last change of the rule before that.
CREATE TABLE filter_effects (
    account  TEXT   NOT NULL,
    region   TEXT   NOT NULL,
    -- The rule's ARN, and filter_history.entry.
    rule     TEXT   NOT NULL,
    entry    TEXT   NOT NULL,
    hidden   BIGINT NOT NULL,
    returned BIGINT NOT NULL,
    PRIMARY KEY (account, region, rule, entry)
);
CREATE INDEX filter_effects_by_rule ON filter_effects (rule);

-- The ARN of the rule that hid the finding, else ''.
ALTER TABLE finding_history ADD COLUMN rule TEXT NOT NULL DEFAULT '';

CREATE TABLE filter_settings (
    account         TEXT    NOT NULL,
    region          TEXT    NOT NULL,
    reason_required BOOLEAN NOT NULL,
    updated_at      BIGINT  NOT NULL,
    updated_by      TEXT    NOT NULL,
    PRIMARY KEY (account, region)
);

-- +goose Down
DROP TABLE filter_settings;
ALTER TABLE finding_history DROP COLUMN rule;
DROP TABLE filter_effects;
DROP TABLE filter_history;
ALTER TABLE filters DROP COLUMN updated_by;
ALTER TABLE filters DROP COLUMN created_by;
ALTER TABLE filters DROP COLUMN expired_at;
ALTER TABLE filters DROP COLUMN expires_at;
