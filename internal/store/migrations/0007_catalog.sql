-- What is installed where. Components, inventories and matches belong to no
-- account: equal machines share them. Layout of inventories: see
-- store/catalog.

-- +goose Up

-- A component is a distinct package version; it is matched once.
CREATE TABLE components (
    id             BIGINT NOT NULL PRIMARY KEY,
    -- SHA-256 of the fields that follow.
    digest         BYTEA  NOT NULL UNIQUE,
    ecosystem      TEXT   NOT NULL,
    name           TEXT   NOT NULL,
    version        TEXT   NOT NULL,
    arch           TEXT   NOT NULL,
    source         TEXT   NOT NULL,
    source_version TEXT   NOT NULL,
    module         TEXT   NOT NULL,
    manager        TEXT   NOT NULL,
    -- That of the advisories it was last matched against; -1 before the
    -- first time.
    generation     BIGINT NOT NULL
);

-- What a component's advisories are looked up by, so that a changed advisory
-- finds the components it could touch.
CREATE TABLE component_keys (
    ecosystem TEXT   NOT NULL,
    name      TEXT   NOT NULL,
    component BIGINT NOT NULL,
    PRIMARY KEY (ecosystem, name, component)
);

-- A vulnerability of a component, with the evidence as JSON.
CREATE TABLE matches (
    component     BIGINT NOT NULL,
    vulnerability TEXT   NOT NULL,
    body          TEXT   NOT NULL,
    PRIMARY KEY (component, vulnerability)
);
CREATE INDEX matches_by_vulnerability ON matches (vulnerability, component);

-- An inventory is a set of components with where each was seen.
CREATE TABLE inventories (
    id         BIGINT NOT NULL PRIMARY KEY,
    -- inventory.Hash of the content.
    hash       TEXT   NOT NULL UNIQUE,
    -- The operating system and the notes, as JSON.
    os         TEXT   NOT NULL,
    notes      TEXT   NOT NULL,
    -- The items, packed; see store/catalog.
    items      BYTEA  NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE inventory_components (
    component BIGINT NOT NULL,
    inventory BIGINT NOT NULL,
    PRIMARY KEY (component, inventory)
);

-- Resources and their coverage.
CREATE TABLE resources (
    account      TEXT    NOT NULL,
    region       TEXT    NOT NULL,
    type         TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    -- A short name for the rows that hang on it.
    number       BIGINT  NOT NULL UNIQUE,
    -- finding.Resource as JSON.
    details      TEXT    NOT NULL,
    -- 0 while there is no inventory.
    inventory    BIGINT  NOT NULL,
    reported_at  BIGINT  NOT NULL,
    collected_at BIGINT  NOT NULL,
    first_seen_at BIGINT NOT NULL,
    -- When it went away, else 0.
    gone_at      BIGINT  NOT NULL,
    -- Coverage: only covered resources are listed.
    covered      BOOLEAN NOT NULL,
    scan_type    TEXT    NOT NULL,
    scan_mode    TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    scanned_at   BIGINT  NOT NULL,
    PRIMARY KEY (account, region, type, id)
);
CREATE INDEX resources_by_inventory ON resources (inventory, number);
CREATE INDEX resources_by_id ON resources (region, id);
CREATE INDEX resources_gone ON resources (account, region, gone_at) WHERE gone_at > 0;
CREATE INDEX resources_covered ON resources (region, account, type, id) WHERE covered;

-- What filters can ask of a resource, one row per value.
CREATE TABLE resource_attributes (
    account  TEXT   NOT NULL,
    resource BIGINT NOT NULL,
    name     TEXT   NOT NULL,
    value    TEXT   NOT NULL,
    -- Numbers, and times in microseconds; their value is ''.
    number   DOUBLE PRECISION,
    PRIMARY KEY (account, resource, name, value)
);
CREATE TABLE resource_tags (
    account  TEXT   NOT NULL,
    resource BIGINT NOT NULL,
    key      TEXT   NOT NULL,
    value    TEXT   NOT NULL,
    PRIMARY KEY (account, resource, key)
);

-- The inventories a resource has had, by hash and time.
CREATE TABLE resource_inventories (
    account  TEXT   NOT NULL,
    resource BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    hash     TEXT   NOT NULL,
    PRIMARY KEY (account, resource, at)
);

-- +goose Down
DROP TABLE resource_inventories;
DROP TABLE resource_tags;
DROP TABLE resource_attributes;
DROP TABLE resources;
DROP TABLE inventory_components;
DROP TABLE inventories;
DROP TABLE matches;
DROP TABLE component_keys;
DROP TABLE components;
