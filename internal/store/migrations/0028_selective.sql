-- Ways to few findings; see store/findings.

-- +goose Up

CREATE INDEX findings_exploitable ON findings (region, account, id) WHERE exploit = 'YES';
CREATE INDEX content_packages_by_name ON content_packages (name, content);
CREATE INDEX resource_attributes_by_value ON resource_attributes (name, value, resource) WHERE value <> '';
CREATE INDEX resource_tags_by_key ON resource_tags (key, value, resource);
CREATE INDEX resources_inactive ON resources (region, account, type, id) WHERE covered AND status <> 'ACTIVE';

-- +goose Down
DROP INDEX findings_exploitable;
DROP INDEX content_packages_by_name;
DROP INDEX resource_attributes_by_value;
DROP INDEX resource_tags_by_key;
DROP INDEX resources_inactive;
