-- +goose Up
-- Components by name, for whoever asks where a package is installed.
CREATE INDEX components_by_name ON components (name, id);

-- +goose Down
DROP INDEX components_by_name;
