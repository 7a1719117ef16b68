-- How often the images of an account were scanned, day by day: what usage
-- tells of images.

-- +goose Up

CREATE TABLE image_scans (
    account TEXT   NOT NULL,
    region  TEXT   NOT NULL,
    -- Days since 1970, UTC.
    day     BIGINT NOT NULL,
    -- First scans, and those after the first.
    first   BIGINT NOT NULL,
    again   BIGINT NOT NULL,
    PRIMARY KEY (account, region, day)
);

-- +goose Down
DROP TABLE image_scans;
