-- How people sign in to the console: passwords of users, and the devices that
-- show their second factor.

-- +goose Up

CREATE TABLE iam_passwords (
    account    TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    -- The password and the ones before it, newest first, as argon2id texts in JSON.
    hashes     TEXT    NOT NULL,
    -- A new one must be chosen at the next sign-in.
    must_reset BOOLEAN NOT NULL,
    created_at BIGINT  NOT NULL,
    changed_at BIGINT  NOT NULL,
    PRIMARY KEY (account, user_id)
);

CREATE TABLE iam_mfa_devices (
    account    TEXT   NOT NULL,
    -- The ARN.
    serial     TEXT   NOT NULL,
    -- The unique id, which tags refer to.
    id         TEXT   NOT NULL,
    -- The user that it is enabled for, or ''.
    user_id    TEXT   NOT NULL,
    -- The shared secret, sealed.
    seed       BYTEA  NOT NULL,
    -- The last time step whose code was used, so that no code works twice.
    last_step  BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    enabled_at BIGINT NOT NULL,
    PRIMARY KEY (account, serial)
);
CREATE INDEX iam_mfa_devices_by_user ON iam_mfa_devices (account, user_id, serial);
