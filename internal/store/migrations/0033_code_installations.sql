-- +goose Up
-- The number of a GitHub App's installation, by which GitHub says whom a
-- notice is for. Integrations from before are found when they are next used.
ALTER TABLE code_integrations ADD COLUMN installation TEXT NOT NULL DEFAULT '';
CREATE INDEX code_integrations_installation ON code_integrations (installation, account, region, id);

-- +goose Down
DROP INDEX code_integrations_installation;
ALTER TABLE code_integrations DROP COLUMN installation;
