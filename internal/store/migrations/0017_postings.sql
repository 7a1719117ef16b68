-- The postings of an inventory are written some time after it; see
-- store/catalog.

-- +goose Up

-- 0 without postings, 1 with all of them, 2 with them but without a resource.
ALTER TABLE inventories ADD COLUMN state BIGINT NOT NULL DEFAULT 1;
CREATE INDEX inventories_pending ON inventories (id) WHERE state <> 1;

-- +goose Down
DROP INDEX inventories_pending;
ALTER TABLE inventories DROP COLUMN state;
