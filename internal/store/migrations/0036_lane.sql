-- +goose Up

-- Whoever stores or scans inventories on PostgreSQL locks this table, which
-- holds nothing, until its transaction ends. See UpdateInLane.
CREATE TABLE lane_catalog (held BIGINT);

-- +goose Down
DROP TABLE lane_catalog;
