-- The Organizations directory: accounts, organizations and their trees,
-- trusted access, delegated administrators, account requests, tags.

-- +goose Up

-- Every account, whether it stands alone or belongs to an organization.
-- email_key is the address in lower case: addresses are unique for ever, a
-- closed account keeps its own.
CREATE TABLE accounts (
    id         TEXT PRIMARY KEY,
    email      TEXT NOT NULL,
    email_key  TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    state      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at  BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE organizations (
    id          TEXT PRIMARY KEY,
    management  TEXT NOT NULL UNIQUE,
    feature_set TEXT NOT NULL,
    root        TEXT NOT NULL UNIQUE,
    created_at  BIGINT NOT NULL
);

-- Who belongs to which organization, and under which root or unit. The key
-- is the account alone: an account belongs to one organization at most and
-- has exactly one parent in it.
CREATE TABLE organization_accounts (
    account       TEXT PRIMARY KEY,
    org           TEXT NOT NULL,
    parent        TEXT NOT NULL,
    joined_method TEXT NOT NULL,
    joined_at     BIGINT NOT NULL
);
CREATE INDEX organization_accounts_by_org ON organization_accounts (org, account);
CREATE INDEX organization_accounts_by_parent ON organization_accounts (org, parent, account);

-- path is the whole way from the organization to the unit, such as
-- "o-x/r-y/ou-y-a/ou-y-b/". Units never move, so it never changes.
CREATE TABLE organizational_units (
    org        TEXT NOT NULL,
    id         TEXT NOT NULL,
    parent     TEXT NOT NULL,
    name       TEXT NOT NULL,
    path       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (org, id),
    UNIQUE (org, parent, name)
);
CREATE INDEX organizational_units_by_parent ON organizational_units (org, parent, id);

CREATE TABLE trusted_services (
    org        TEXT NOT NULL,
    principal  TEXT NOT NULL,
    enabled_at BIGINT NOT NULL,
    PRIMARY KEY (org, principal)
);

-- origin says who registered: "explicit" (RegisterDelegatedAdministrator) or
-- "inspector" (as a part of EnableDelegatedAdminAccount).
CREATE TABLE delegated_administrators (
    org        TEXT NOT NULL,
    principal  TEXT NOT NULL,
    account    TEXT NOT NULL,
    origin     TEXT NOT NULL,
    enabled_at BIGINT NOT NULL,
    PRIMARY KEY (org, principal, account)
);
CREATE INDEX delegated_administrators_by_account ON delegated_administrators (org, account, principal);

-- CreateAccount's requests, finished ones included. tags is a JSON object.
CREATE TABLE account_requests (
    org            TEXT NOT NULL,
    id             TEXT NOT NULL,
    email          TEXT NOT NULL,
    name           TEXT NOT NULL,
    role_name      TEXT NOT NULL,
    tags           TEXT NOT NULL,
    state          TEXT NOT NULL,
    account        TEXT NOT NULL DEFAULT '',
    failure_reason TEXT NOT NULL DEFAULT '',
    requested_at   BIGINT NOT NULL,
    completed_at   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (org, id)
);
CREATE INDEX account_requests_by_time ON account_requests (org, requested_at, id);
-- Every creation looks at those that are in progress, of which there are few.
CREATE INDEX account_requests_by_state ON account_requests (org, state, requested_at, id);

-- Tags of roots, units and accounts.
CREATE TABLE directory_tags (
    org      TEXT NOT NULL,
    resource TEXT NOT NULL,
    tag_key  TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (org, resource, tag_key)
);

-- Policy types of the organization's root: absent is disabled, else
-- ENABLED, PENDING_ENABLE or PENDING_DISABLE.
CREATE TABLE policy_types (
    org    TEXT NOT NULL,
    type   TEXT NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (org, type)
);

