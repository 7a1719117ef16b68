-- Container registries: connections, repositories and images with their tags,
-- how registries are scanned, and where images run.

-- +goose Up

CREATE TABLE registry_connections (
    account      TEXT   NOT NULL,
    region       TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    -- Scheme and host.
    url          TEXT   NOT NULL,
    prefix       TEXT   NOT NULL,
    -- JSON list; empty means the catalogue.
    repositories TEXT   NOT NULL,
    username     TEXT   NOT NULL,
    -- The password, sealed; NULL without one.
    secret       BYTEA,
    -- SHA-256 of what notifications carry.
    token        BYTEA  NOT NULL,
    -- Microseconds, 0 for never.
    poll_every   BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    state        TEXT   NOT NULL,
    message      TEXT   NOT NULL,
    checked_at   BIGINT NOT NULL,
    notified_at  BIGINT NOT NULL,
    PRIMARY KEY (account, region, id),
    UNIQUE (account, region, name)
);

CREATE TABLE ecr_repositories (
    account    TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    -- '' until images come from somewhere.
    connection TEXT   NOT NULL,
    remote     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    -- JSON.
    settings   TEXT   NOT NULL,
    PRIMARY KEY (account, region, name)
);

CREATE TABLE ecr_images (
    account     TEXT   NOT NULL,
    region      TEXT   NOT NULL,
    repository  TEXT   NOT NULL,
    digest      TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    media_type  TEXT   NOT NULL,
    config_type TEXT   NOT NULL,
    manifest    TEXT   NOT NULL,
    size        BIGINT NOT NULL,
    -- JSON.
    details     TEXT   NOT NULL,
    pushed_at   BIGINT NOT NULL,
    -- 0 for never.
    pulled_at   BIGINT NOT NULL,
    used_at     BIGINT NOT NULL,
    uses        BIGINT NOT NULL,
    -- When the windows in which it is scanned again closed, else 0.
    lapsed_at   BIGINT NOT NULL,
    -- Why its content could not be read, else ''.
    problem     TEXT   NOT NULL,
    PRIMARY KEY (account, region, repository, digest)
);
CREATE INDEX ecr_images_by_digest ON ecr_images (account, region, digest);

CREATE TABLE ecr_image_tags (
    account    TEXT NOT NULL,
    region     TEXT NOT NULL,
    repository TEXT NOT NULL,
    tag        TEXT NOT NULL,
    digest     TEXT NOT NULL,
    PRIMARY KEY (account, region, repository, tag)
);
CREATE INDEX ecr_image_tags_by_digest ON ecr_image_tags (account, region, repository, digest);

-- How a registry is scanned, as JSON rules.
CREATE TABLE ecr_scanning (
    account    TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    scan_type  TEXT   NOT NULL,
    rules      TEXT   NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (account, region)
);

-- Where images run: units of a workload in a cluster.
CREATE TABLE ecr_image_uses (
    account  TEXT   NOT NULL,
    region   TEXT   NOT NULL,
    digest   TEXT   NOT NULL,
    cluster  TEXT   NOT NULL,
    -- Namespace, or group of tasks.
    grp      TEXT   NOT NULL,
    kind     TEXT   NOT NULL,
    workload TEXT   NOT NULL,
    running  BIGINT NOT NULL,
    stopped  BIGINT NOT NULL,
    used_at  BIGINT NOT NULL,
    PRIMARY KEY (account, region, digest, cluster, grp, kind, workload)
);
CREATE INDEX ecr_image_uses_by_cluster ON ecr_image_uses (account, region, cluster);

-- +goose Down
DROP TABLE ecr_image_uses;
DROP TABLE ecr_scanning;
DROP TABLE ecr_image_tags;
DROP TABLE ecr_images;
DROP TABLE ecr_repositories;
DROP TABLE registry_connections;
