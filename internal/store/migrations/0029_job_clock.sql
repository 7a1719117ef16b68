-- +goose Up

-- When run_at was set, by the clock of then: a job that was asked for "later
-- than now" has been asked for before the clock was set back.
ALTER TABLE jobs ADD COLUMN asked_at BIGINT NOT NULL DEFAULT 0;

-- How many attempts ended with an error. The others of the attempts ended with
-- the process, for which the job need not be the reason.
ALTER TABLE jobs ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
