-- Code repositories: the integrations that lead to them, projects, scan
-- configurations and what they are associated with, and scans.

-- +goose Up

CREATE TABLE code_integrations (
    account    TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    -- GITHUB, GITLAB_SELF_MANAGED; or GIT and UPLOAD for one repository of
    -- muster's own operations.
    type       TEXT   NOT NULL,
    url        TEXT   NOT NULL,
    status     TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    -- Sealed: tokens and what an authorization needs; NULL for none.
    secret     BYTEA,
    -- SHA-256 of the token that notices carry.
    token      BYTEA  NOT NULL,
    tags       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    checked_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, id)
);
CREATE UNIQUE INDEX code_integrations_name ON code_integrations (account, region, name);

CREATE TABLE code_projects (
    account     TEXT   NOT NULL,
    region      TEXT   NOT NULL,
    -- "project-" and a UUID.
    id          TEXT   NOT NULL,
    integration TEXT   NOT NULL,
    -- What the provider calls it, for good.
    remote      TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    clone_url   TEXT   NOT NULL,
    branch      TEXT   NOT NULL,
    visibility  TEXT   NOT NULL,
    -- The newest commit that was heard of, and when the provider was last
    -- asked to tell of more.
    head        TEXT   NOT NULL,
    hooked_at   BIGINT NOT NULL,
    -- The last scan that went well, and why the last one did not.
    commit_id   TEXT   NOT NULL,
    scanned_at  BIGINT NOT NULL,
    problem     TEXT   NOT NULL,
    tried_at    BIGINT NOT NULL,
    -- The last scan that somebody asked for, as JSON.
    on_demand   TEXT   NOT NULL,
    -- What it is scanned for and when, as JSON; empty for not at all.
    plan        TEXT   NOT NULL,
    PRIMARY KEY (account, region, id)
);
CREATE UNIQUE INDEX code_projects_remote ON code_projects (account, region, integration, remote);

CREATE TABLE code_configurations (
    account    TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    -- The account, or the organization whose accounts it is for.
    owner      TEXT   NOT NULL,
    -- Everything that is configured, as JSON.
    body       TEXT   NOT NULL,
    -- ALL for every project there is and will be; else empty.
    scope      TEXT   NOT NULL,
    tags       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, id)
);
CREATE UNIQUE INDEX code_configurations_name ON code_configurations (account, region, name);
CREATE INDEX code_configurations_owner ON code_configurations (owner, region, id);

CREATE TABLE code_associations (
    -- Those of the project.
    account       TEXT NOT NULL,
    region        TEXT NOT NULL,
    project       TEXT NOT NULL,
    -- The account that has the configuration.
    holder        TEXT NOT NULL,
    configuration TEXT NOT NULL,
    PRIMARY KEY (account, region, configuration, project)
);
CREATE INDEX code_associations_project ON code_associations (account, region, project);
CREATE INDEX code_associations_holder ON code_associations (holder, region, configuration);

CREATE TABLE code_scans (
    account    TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    project    TEXT   NOT NULL,
    -- Why it is made: INITIAL, ON_DEMAND, PERIODIC, PUSH.
    cause      TEXT   NOT NULL,
    status     TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    commit_id  TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, region, id)
);
CREATE INDEX code_scans_project ON code_scans (account, region, project, created_at);
CREATE INDEX code_scans_time ON code_scans (account, region, updated_at);

-- +goose Down
DROP TABLE code_scans;
DROP TABLE code_associations;
DROP TABLE code_configurations;
DROP TABLE code_projects;
DROP TABLE code_integrations;
