-- What callers changed, or tried to.

-- +goose Up

CREATE TABLE audit_events (
    -- The account that called.
    account        TEXT   NOT NULL,
    -- Rises with time.
    id             TEXT   NOT NULL,
    time           BIGINT NOT NULL,
    region         TEXT   NOT NULL,
    principal      TEXT   NOT NULL,
    principal_type TEXT   NOT NULL,
    service        TEXT   NOT NULL,
    operation      TEXT   NOT NULL,
    -- A JSON list of what the request names.
    resources      TEXT   NOT NULL,
    -- '' where it succeeded.
    error_code     TEXT   NOT NULL,
    error          TEXT   NOT NULL,
    source_ip      TEXT   NOT NULL,
    user_agent     TEXT   NOT NULL,
    request        TEXT   NOT NULL,
    -- The request as JSON, secrets hidden; '' where it is too long.
    parameters     TEXT   NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE INDEX audit_events_by_id ON audit_events (id);

-- +goose Down
DROP TABLE audit_events;
