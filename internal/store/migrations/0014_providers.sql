-- Identity providers that an account trusts to name its federated users.

-- +goose Up

CREATE TABLE iam_providers (
    account    TEXT   NOT NULL,
    -- As in its ARN: oidc-provider or saml-provider.
    kind       TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    -- The unique id, which tags refer to.
    id         TEXT   NOT NULL,
    -- What its kind says about it, as JSON.
    settings   TEXT   NOT NULL,
    -- The metadata of a SAML provider, else ''.
    document   TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (account, kind, name)
);
