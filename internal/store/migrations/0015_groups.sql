-- How many ACTIVE findings there are in each group that can be asked for, kept
-- with every change, so that a page of an aggregation is a walk along an
-- index. See store/groups.

-- +goose Up

CREATE TABLE finding_groups (
    account     TEXT   NOT NULL,
    region      TEXT   NOT NULL,
    -- What the findings are grouped by.
    kind        TEXT   NOT NULL,
    k1          TEXT   NOT NULL,
    k2          TEXT   NOT NULL,
    k3          TEXT   NOT NULL,
    -- resources.number where a group is (part of) one resource, else 0.
    resource    BIGINT NOT NULL,
    findings    BIGINT NOT NULL,
    critical    BIGINT NOT NULL,
    high        BIGINT NOT NULL,
    medium      BIGINT NOT NULL,
    exploitable BIGINT NOT NULL,
    fixable     BIGINT NOT NULL,
    -- The grouping's own number: affected resources, network findings.
    extra       BIGINT NOT NULL,
    PRIMARY KEY (account, region, kind, k1, k2, k3)
);

-- One index per order; one per key that groups are looked up by.
CREATE INDEX finding_groups_by_critical ON finding_groups (region, kind, critical DESC, account, k1, k2, k3);
CREATE INDEX finding_groups_by_high ON finding_groups (region, kind, high DESC, account, k1, k2, k3);
CREATE INDEX finding_groups_by_findings ON finding_groups (region, kind, findings DESC, account, k1, k2, k3);
CREATE INDEX finding_groups_by_extra ON finding_groups (region, kind, extra DESC, account, k1, k2, k3) WHERE kind IN ('ami', 'repository', 'instance');
CREATE INDEX finding_groups_by_k1 ON finding_groups (region, kind, k1);
CREATE INDEX finding_groups_by_k2 ON finding_groups (region, kind, k2) WHERE kind = 'title';
CREATE INDEX finding_groups_by_k3 ON finding_groups (region, kind, k3) WHERE kind IN ('layer', 'function layer');
CREATE INDEX finding_groups_by_resource ON finding_groups (resource) WHERE resource > 0;
CREATE INDEX finding_groups_empty ON finding_groups (account, region) WHERE findings = 0;

-- Findings that are stored already are counted by a job per account.
INSERT INTO jobs (id, kind, key, account, region, payload, run_at, again_at, created_at, attempts, generation, lease, error, parked)
    SELECT 'recount-' || region || '-' || account, 'findings.recount', account || '/' || region, account, region,
        NULL, 0, 0, 0, 0, 0, '', '', FALSE
    FROM finding_counts GROUP BY account, region;

-- +goose Down
DROP TABLE finding_groups;
