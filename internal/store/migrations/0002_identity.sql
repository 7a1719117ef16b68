-- Who may sign and what they carry: users, groups, roles, policies, access
-- keys. Names are unique without regard to case (name_key is the name in
-- lower case); everything an entity carries hangs on its unique id (AIDA…,
-- AGPA…, AROA…), so a new entity of an old name inherits nothing.

-- +goose Up

CREATE TABLE iam_users (
    account    TEXT   NOT NULL,
    name_key   TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    path       TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    -- The ARN of the policy that bounds its permissions, or ''.
    boundary   TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, name_key),
    UNIQUE (account, id)
);

CREATE TABLE iam_groups (
    account    TEXT   NOT NULL,
    name_key   TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    path       TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, name_key),
    UNIQUE (account, id)
);

CREATE TABLE iam_group_members (
    account  TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    group_id TEXT NOT NULL,
    PRIMARY KEY (account, user_id, group_id)
);
CREATE INDEX iam_group_members_by_group ON iam_group_members (account, group_id, user_id);

CREATE TABLE iam_roles (
    account          TEXT   NOT NULL,
    name_key         TEXT   NOT NULL,
    name             TEXT   NOT NULL,
    path             TEXT   NOT NULL,
    id               TEXT   NOT NULL,
    -- Who may assume it: a policy document.
    trust            TEXT   NOT NULL,
    -- Whom the policy's names meant when it was written: a JSON object from
    -- ARN to unique id.
    trusted          TEXT   NOT NULL DEFAULT '{}',
    description      TEXT   NOT NULL,
    -- In seconds.
    max_session      BIGINT NOT NULL,
    boundary         TEXT   NOT NULL,
    -- The service principal of a service-linked role, or ''.
    service          TEXT   NOT NULL,
    created_at       BIGINT NOT NULL,
    last_used_at     BIGINT NOT NULL,
    last_used_region TEXT   NOT NULL,
    PRIMARY KEY (account, name_key),
    UNIQUE (account, id)
);

-- Managed policies of customers; AWS's own are part of the program.
CREATE TABLE iam_policies (
    account     TEXT   NOT NULL,
    name_key    TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    path        TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    arn         TEXT   NOT NULL,
    description TEXT   NOT NULL,
    document    TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (account, name_key),
    UNIQUE (account, arn)
);

-- owner is the unique id of a user, group or role.
CREATE TABLE iam_inline_policies (
    account  TEXT NOT NULL,
    owner    TEXT NOT NULL,
    name     TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, owner, name)
);

CREATE TABLE iam_attachments (
    account TEXT NOT NULL,
    owner   TEXT NOT NULL,
    policy  TEXT NOT NULL,
    PRIMARY KEY (account, owner, policy)
);
CREATE INDEX iam_attachments_by_policy ON iam_attachments (account, policy, owner);

CREATE TABLE iam_tags (
    account TEXT NOT NULL,
    owner   TEXT NOT NULL,
    -- Tag keys are unique without regard to case.
    tag_key TEXT NOT NULL,
    name    TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (account, owner, tag_key)
);

CREATE TABLE iam_access_keys (
    account           TEXT   NOT NULL,
    id                TEXT   NOT NULL,
    -- The unique id of a user; '' for the root user.
    owner             TEXT   NOT NULL,
    -- The secret under envelope encryption, bound to the key's id.
    secret            BYTEA  NOT NULL,
    status            TEXT   NOT NULL,
    created_at        BIGINT NOT NULL,
    last_used_at      BIGINT NOT NULL,
    last_used_region  TEXT   NOT NULL,
    last_used_service TEXT   NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE INDEX iam_access_keys_by_owner ON iam_access_keys (account, owner, created_at);

-- Deletions of service-linked roles, finished ones included. reason and
-- usage (a JSON list) say why one failed.
CREATE TABLE iam_role_deletions (
    account    TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    role_key   TEXT   NOT NULL,
    status     TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    role_usage TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE INDEX iam_role_deletions_by_role ON iam_role_deletions (account, role_key, created_at);
