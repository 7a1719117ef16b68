-- How many findings began and ceased to be ACTIVE each day. See store/trend.

-- +goose Up

CREATE TABLE finding_days (
    account       TEXT   NOT NULL,
    region        TEXT   NOT NULL,
    -- Days since 1970, in UTC.
    day           BIGINT NOT NULL,
    opened        BIGINT NOT NULL,
    closed        BIGINT NOT NULL,
    -- Of them CRITICAL or HIGH.
    severe_opened BIGINT NOT NULL,
    severe_closed BIGINT NOT NULL,
    PRIMARY KEY (account, region, day)
);

-- +goose Down
DROP TABLE finding_days;
