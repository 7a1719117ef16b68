-- +goose Up

-- Inventories whose components were matched again with another outcome: once
-- nothing is left to match, their resources are scanned. See package scan.
CREATE TABLE inventories_due (
    inventory BIGINT NOT NULL PRIMARY KEY,
    -- Another text each time it is asked for.
    asked     TEXT   NOT NULL
);

-- What jobs per inventory were to scan.
INSERT INTO inventories_due (inventory, asked) SELECT CAST(key AS BIGINT), id FROM jobs WHERE kind = 'scan.inventory';
DELETE FROM jobs WHERE kind = 'scan.inventory';
INSERT INTO jobs (id, kind, key, account, region, payload, run_at, again_at, created_at, asked_at, attempts, failures, generation, lease, error, parked)
    SELECT 'inventories-due', 'scan.advisories-changed', 'inventories due', '', '', NULL, 0, 0, 0, 0, 0, 0, 0, '', '', FALSE
    WHERE EXISTS (SELECT 1 FROM inventories_due);

-- +goose Down
DROP TABLE inventories_due;
