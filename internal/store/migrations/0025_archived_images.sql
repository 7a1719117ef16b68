-- Images that were archived, and when they were taken out again; microseconds,
-- 0 for never.

-- +goose Up
ALTER TABLE ecr_images ADD COLUMN archived_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ecr_images ADD COLUMN activated_at BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE ecr_images DROP COLUMN activated_at;
ALTER TABLE ecr_images DROP COLUMN archived_at;
