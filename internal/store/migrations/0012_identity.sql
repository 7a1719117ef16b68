-- Versions of managed policies, instance profiles, and what an account or an
-- organization settles about its identities.

-- +goose Up

-- The document of a policy's default version stays in iam_policies, where
-- decisions read it; iam_policy_versions holds all versions.
ALTER TABLE iam_policies ADD COLUMN default_version BIGINT NOT NULL DEFAULT 1;
-- The number of the newest version ever; numbers are not given twice.
ALTER TABLE iam_policies ADD COLUMN latest_version BIGINT NOT NULL DEFAULT 1;

CREATE TABLE iam_policy_versions (
    account    TEXT   NOT NULL,
    -- The policy's unique id, ANPA….
    policy     TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    document   TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, policy, version)
);
INSERT INTO iam_policy_versions (account, policy, version, document, created_at)
    SELECT account, id, 1, document, created_at FROM iam_policies;

CREATE TABLE iam_instance_profiles (
    account    TEXT   NOT NULL,
    name_key   TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    path       TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    -- The unique id of its role, or ''.
    role       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, name_key),
    UNIQUE (account, id)
);
CREATE INDEX iam_instance_profiles_by_role ON iam_instance_profiles (account, role, name_key);

-- An account has one alias at most, and an alias one account.
CREATE TABLE iam_account_aliases (
    account TEXT NOT NULL,
    alias   TEXT NOT NULL,
    PRIMARY KEY (account),
    UNIQUE (alias)
);

-- An account's password policy, as JSON.
CREATE TABLE iam_password_policies (
    account TEXT NOT NULL,
    policy  TEXT NOT NULL,
    PRIMARY KEY (account)
);

-- The newest credential report of an account.
CREATE TABLE iam_credential_reports (
    account      TEXT   NOT NULL,
    generated_at BIGINT NOT NULL,
    content      TEXT   NOT NULL,
    PRIMARY KEY (account)
);

-- What an organization has switched on for its members' root users.
CREATE TABLE iam_organization_features (
    organization TEXT   NOT NULL,
    feature      TEXT   NOT NULL,
    enabled_at   BIGINT NOT NULL,
    PRIMARY KEY (organization, feature)
);
