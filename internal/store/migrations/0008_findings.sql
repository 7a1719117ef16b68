-- Findings: one row each, with what they are sorted and filtered by. What a
-- finding says beside that is shared by all that say the same (contents).

-- +goose Up

CREATE TABLE contents (
    id     BIGINT NOT NULL PRIMARY KEY,
    -- SHA-256 of the body.
    digest BYTEA  NOT NULL UNIQUE,
    -- finding.Content as JSON.
    body   TEXT   NOT NULL
);
-- What filters can ask of a content, one row per value.
CREATE TABLE content_values (
    content BIGINT NOT NULL,
    name    TEXT   NOT NULL,
    value   TEXT   NOT NULL,
    PRIMARY KEY (content, name, value)
);
CREATE TABLE content_packages (
    content      BIGINT NOT NULL,
    position     BIGINT NOT NULL,
    name         TEXT   NOT NULL,
    version      TEXT   NOT NULL,
    epoch        BIGINT NOT NULL,
    release      TEXT   NOT NULL,
    arch         TEXT   NOT NULL,
    layer        TEXT   NOT NULL,
    lambda_layer TEXT   NOT NULL,
    path         TEXT   NOT NULL,
    PRIMARY KEY (content, position)
);

CREATE TABLE findings (
    account           TEXT   NOT NULL,
    region            TEXT   NOT NULL,
    -- The 32 digits at the end of the ARN.
    id                TEXT   NOT NULL,
    -- resources.number and contents.id.
    resource          BIGINT NOT NULL,
    content           BIGINT NOT NULL,
    resource_type     TEXT   NOT NULL,
    type              TEXT   NOT NULL,
    status            TEXT   NOT NULL,
    -- 0 UNTRIAGED to 5 CRITICAL.
    severity          BIGINT NOT NULL,
    title             TEXT   NOT NULL,
    first_observed_at BIGINT NOT NULL,
    last_observed_at  BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    -- 0, '' and 0 while it is open.
    closed_at         BIGINT NOT NULL,
    cause             TEXT   NOT NULL,
    expires_at        BIGINT NOT NULL,
    -- NULL where the finding has no such attribute.
    fix               TEXT,
    exploit           TEXT,
    score             DOUBLE PRECISION,
    epss              DOUBLE PRECISION,
    vulnerability_id  TEXT,
    source            TEXT,
    vendor_severity   TEXT,
    protocol          TEXT,
    port_begin        BIGINT,
    port_end          BIGINT,
    component_type    TEXT,
    detector_name     TEXT,
    code_path         TEXT,
    -- Copies of the resource's attributes that findings are sorted by.
    pushed_at         BIGINT,
    repository        TEXT,
    registry          TEXT,
    PRIMARY KEY (account, region, id)
);
CREATE INDEX findings_by_resource ON findings (resource, vulnerability_id);
CREATE INDEX findings_by_content ON findings (content);
CREATE INDEX findings_expiring ON findings (account, region, expires_at) WHERE expires_at > 0;

-- One index per order of ListFindings, so that a page is a walk. They lead
-- with the Region, because most of what is listed is listed by an organization's
-- administrator; see store/findings.
CREATE INDEX findings_by_account ON findings (region, account, id);
CREATE INDEX findings_by_last_observed_at ON findings (region, last_observed_at DESC, account, id);
CREATE INDEX findings_by_first_observed_at ON findings (region, first_observed_at DESC, account, id);
CREATE INDEX findings_by_severity ON findings (region, severity DESC, account, id);
CREATE INDEX findings_by_score ON findings (region, score DESC, account, id);
CREATE INDEX findings_by_epss ON findings (region, epss DESC, account, id);
CREATE INDEX findings_by_type ON findings (region, type, account, id);
CREATE INDEX findings_by_status ON findings (region, status, account, id);
CREATE INDEX findings_by_resource_type ON findings (region, resource_type, account, id);
CREATE INDEX findings_by_vulnerability_id ON findings (region, vulnerability_id, account, id);
CREATE INDEX findings_by_source ON findings (region, source, account, id);
CREATE INDEX findings_by_vendor_severity ON findings (region, vendor_severity, account, id);
CREATE INDEX findings_by_protocol ON findings (region, protocol, account, id) WHERE protocol IS NOT NULL;
CREATE INDEX findings_by_component_type ON findings (region, component_type, account, id) WHERE component_type IS NOT NULL;
CREATE INDEX findings_by_pushed_at ON findings (region, pushed_at DESC, account, id) WHERE pushed_at IS NOT NULL;
CREATE INDEX findings_by_repository ON findings (region, repository, account, id) WHERE repository IS NOT NULL;
CREATE INDEX findings_by_registry ON findings (region, registry, account, id) WHERE registry IS NOT NULL;

-- What happened to a finding, oldest first.
CREATE TABLE finding_history (
    account TEXT   NOT NULL,
    region  TEXT   NOT NULL,
    finding TEXT   NOT NULL,
    entry   TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    kind    TEXT   NOT NULL,
    before  TEXT   NOT NULL,
    after   TEXT   NOT NULL,
    why     TEXT   NOT NULL,
    PRIMARY KEY (account, region, finding, entry)
);

-- How many findings there are, kept with every change.
CREATE TABLE finding_counts (
    account       TEXT   NOT NULL,
    region        TEXT   NOT NULL,
    status        TEXT   NOT NULL,
    type          TEXT   NOT NULL,
    resource_type TEXT   NOT NULL,
    severity      BIGINT NOT NULL,
    total         BIGINT NOT NULL,
    exploitable   BIGINT NOT NULL,
    fixable       BIGINT NOT NULL,
    PRIMARY KEY (account, region, status, type, resource_type, severity)
);

-- Saved filters and suppression rules.
CREATE TABLE filters (
    account     TEXT   NOT NULL,
    region      TEXT   NOT NULL,
    -- The 16 digits at the end of the ARN.
    id          TEXT   NOT NULL,
    -- Account or organization in the ARN.
    owner       TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    action      TEXT   NOT NULL,
    -- criteria.Criteria as JSON.
    criteria    TEXT   NOT NULL,
    description TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    -- JSON object.
    tags        TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (account, region, id),
    UNIQUE (account, region, name)
);

-- +goose Down
DROP TABLE filters;
DROP TABLE finding_counts;
DROP TABLE finding_history;
DROP TABLE findings;
DROP TABLE content_packages;
DROP TABLE content_values;
DROP TABLE contents;
