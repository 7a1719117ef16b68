-- How many resources are covered how, kept with every change, so that numbers
-- of coverage cost the same at any size. See store/catalog.

-- +goose Up

CREATE TABLE coverage_counts (
    account   TEXT   NOT NULL,
    region    TEXT   NOT NULL,
    type      TEXT   NOT NULL,
    scan_type TEXT   NOT NULL,
    scan_mode TEXT   NOT NULL,
    status    TEXT   NOT NULL,
    reason    TEXT   NOT NULL,
    total     BIGINT NOT NULL,
    PRIMARY KEY (account, region, type, scan_type, scan_mode, status, reason)
);
INSERT INTO coverage_counts (account, region, type, scan_type, scan_mode, status, reason, total)
    SELECT account, region, type, scan_type, scan_mode, status, reason, COUNT(*) FROM resources WHERE covered
    GROUP BY account, region, type, scan_type, scan_mode, status, reason;

-- +goose Down
DROP TABLE coverage_counts;
