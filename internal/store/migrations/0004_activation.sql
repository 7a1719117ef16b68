-- Inspector's accounts side: who administers an organization in a Region, who
-- is a member there, what is scanned, and the settings of all that.

-- +goose Up

-- The delegated administrator of an organization in a Region. A row in
-- DISABLE_IN_PROGRESS gives no authority any more: it stands until what hung
-- on it has been cleared away.
CREATE TABLE inspector_designations (
    org           TEXT NOT NULL,
    region        TEXT NOT NULL,
    account       TEXT NOT NULL,
    status        TEXT NOT NULL,
    designated_at BIGINT NOT NULL,
    PRIMARY KEY (org, region)
);

-- The relationships of a delegated administrator in a Region, ended ones
-- included. They count only while the administrator is designated.
CREATE TABLE inspector_members (
    administrator TEXT NOT NULL,
    region        TEXT NOT NULL,
    account       TEXT NOT NULL,
    relationship  TEXT NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (administrator, region, account)
);
CREATE INDEX inspector_members_by_account ON inspector_members (account, region);
CREATE INDEX inspector_members_in_setup ON inspector_members (administrator, region, updated_at)
    WHERE relationship = 'CREATED';

-- How many members in inspector_members are associated, kept with every change
-- there, because ten thousand rows are too many to count on every association.
CREATE TABLE inspector_member_counts (
    administrator TEXT NOT NULL,
    region        TEXT NOT NULL,
    members       BIGINT NOT NULL,
    PRIMARY KEY (administrator, region)
);

-- What is scanned: one row per account, Region and scan type that was ever
-- switched on. first_enabled_at is when its trial began.
CREATE TABLE inspector_scans (
    account          TEXT NOT NULL,
    region           TEXT NOT NULL,
    type             TEXT NOT NULL,
    status           TEXT NOT NULL,
    changed_at       BIGINT NOT NULL,
    first_enabled_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, type)
);

-- What a delegated administrator has switched on for accounts that join.
CREATE TABLE inspector_auto_enable (
    administrator   TEXT NOT NULL,
    region          TEXT NOT NULL,
    ec2             BOOLEAN NOT NULL,
    ecr             BOOLEAN NOT NULL,
    lambda          BOOLEAN NOT NULL,
    lambda_code     BOOLEAN NOT NULL,
    code_repository BOOLEAN NOT NULL,
    PRIMARY KEY (administrator, region)
);

-- An account's own scan configuration. A member's is its administrator's.
CREATE TABLE inspector_configurations (
    account               TEXT NOT NULL,
    region                TEXT NOT NULL,
    rescan_duration       TEXT NOT NULL,
    pull_rescan_duration  TEXT NOT NULL,
    pull_rescan_mode      TEXT NOT NULL,
    ecr_updated_at        BIGINT NOT NULL,
    scan_mode             TEXT NOT NULL,
    ec2_updated_at        BIGINT NOT NULL,
    PRIMARY KEY (account, region)
);

-- Deep inspection. The paths are JSON lists of strings; organization_paths
-- holds those a delegated administrator sets for its members and itself.
CREATE TABLE inspector_deep_inspection (
    account            TEXT NOT NULL,
    region             TEXT NOT NULL,
    activated          BOOLEAN NOT NULL,
    package_paths      TEXT NOT NULL,
    organization_paths TEXT NOT NULL,
    PRIMARY KEY (account, region)
);

-- Replies to requests with a client token, for the retries of a day. request
-- is a digest of what was asked.
CREATE TABLE inspector_client_tokens (
    account    TEXT NOT NULL,
    region     TEXT NOT NULL,
    operation  TEXT NOT NULL,
    token      TEXT NOT NULL,
    request    TEXT NOT NULL,
    reply      TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, operation, token)
);
CREATE INDEX inspector_client_tokens_expired ON inspector_client_tokens (account, expires_at);

-- +goose Down
DROP TABLE inspector_client_tokens;
DROP TABLE inspector_deep_inspection;
DROP TABLE inspector_configurations;
DROP TABLE inspector_auto_enable;
DROP TABLE inspector_scans;
DROP TABLE inspector_member_counts;
DROP TABLE inspector_members;
DROP TABLE inspector_designations;
