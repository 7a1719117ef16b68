-- More of Inspector's accounts side: why an activation failed, encryption
-- keys, Regions that an account has not opted in to, what an organization's
-- policy wants of an account, and how long resources were covered.

-- +goose Up

-- Why switching a type on failed; '' unless it did.
ALTER TABLE inspector_scans ADD COLUMN error_code TEXT NOT NULL DEFAULT '';
ALTER TABLE inspector_scans ADD COLUMN error_message TEXT NOT NULL DEFAULT '';

-- The customer's key for a kind of data; without a row it is the service's.
CREATE TABLE inspector_encryption_keys (
    account       TEXT   NOT NULL,
    region        TEXT   NOT NULL,
    scan_type     TEXT   NOT NULL,
    resource_type TEXT   NOT NULL,
    -- ARN of the key.
    kms_key       TEXT   NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (account, region, scan_type, resource_type)
);

-- Regions that an account has opted out of.
CREATE TABLE inspector_closed_regions (
    account   TEXT   NOT NULL,
    region    TEXT   NOT NULL,
    closed_at BIGINT NOT NULL,
    PRIMARY KEY (account, region)
);

-- What an organization's INSPECTOR_POLICY says of an account. Accounts without
-- an effective policy have no row.
CREATE TABLE inspector_policies (
    account TEXT NOT NULL PRIMARY KEY,
    org     TEXT NOT NULL,
    -- enforcement.Policy as JSON.
    policy  TEXT NOT NULL
);
CREATE INDEX inspector_policies_by_org ON inspector_policies (org, account);

-- Since when a resource has been covered without a break; 0 while it is not.
ALTER TABLE resources ADD COLUMN metered_since BIGINT NOT NULL DEFAULT 0;
CREATE INDEX resources_metered ON resources (account, region) WHERE metered_since > 0;

-- Times during which resources were covered, after they have ended.
CREATE TABLE coverage_spans (
    account   TEXT   NOT NULL,
    region    TEXT   NOT NULL,
    ended_at  BIGINT NOT NULL,
    -- resources.number.
    resource  BIGINT NOT NULL,
    type      TEXT   NOT NULL,
    scan_type TEXT   NOT NULL,
    scan_mode TEXT   NOT NULL,
    began_at  BIGINT NOT NULL,
    PRIMARY KEY (account, region, ended_at, resource, scan_type)
);

-- +goose Down
DROP TABLE coverage_spans;
DROP INDEX resources_metered;
ALTER TABLE resources DROP COLUMN metered_since;
DROP TABLE inspector_policies;
DROP TABLE inspector_closed_regions;
DROP TABLE inspector_encryption_keys;
ALTER TABLE inspector_scans DROP COLUMN error_message;
ALTER TABLE inspector_scans DROP COLUMN error_code;
