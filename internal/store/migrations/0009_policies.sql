-- The policies of organizations: their documents, what they are attached to,
-- and the resource policy by which an organization delegates.

-- +goose Up

-- name is unique within a type. Policies of AWS's own have no row.
CREATE TABLE policies (
    org         TEXT NOT NULL,
    id          TEXT NOT NULL,
    type        TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    content     TEXT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (org, id),
    UNIQUE (org, type, name)
);
CREATE INDEX policies_by_type ON policies (org, type, id);

-- Attachments to a root, unit or account. position orders the policies of one
-- type on one target as they were attached.
CREATE TABLE policy_attachments (
    org         TEXT NOT NULL,
    policy      TEXT NOT NULL,
    target      TEXT NOT NULL,
    type        TEXT NOT NULL,
    position    BIGINT NOT NULL,
    attached_at BIGINT NOT NULL,
    PRIMARY KEY (org, policy, target)
);
CREATE INDEX policy_attachments_by_target ON policy_attachments (org, target, type, position);
CREATE INDEX policy_attachments_by_type ON policy_attachments (org, type, target, position);

-- AWS's own full-access policies are attached to whatever there is, and will
-- be, in the organization, but for what stands here. So an account, a unit or
-- a whole policy type comes into being without a row per attachment.
CREATE TABLE policy_exemptions (
    org    TEXT NOT NULL,
    policy TEXT NOT NULL,
    target TEXT NOT NULL,
    type   TEXT NOT NULL,
    PRIMARY KEY (org, policy, target)
);
CREATE INDEX policy_exemptions_by_target ON policy_exemptions (org, target);
CREATE INDEX policy_exemptions_by_type ON policy_exemptions (org, type);

-- At most one policy of an organization itself.
CREATE TABLE organization_resource_policies (
    org     TEXT PRIMARY KEY,
    id      TEXT NOT NULL,
    content TEXT NOT NULL
);
