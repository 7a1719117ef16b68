-- Handshakes between accounts and organizations, transfers of responsibility,
-- and the GovCloud half of account requests.

-- +goose Up

-- A handshake goes from an organization (org, management) to one recipient:
-- an account, or whoever has an address. email_key is the address in lower
-- case. parent is the handshake that an approval belongs to, transfer the
-- transfer that is offered. tags is a JSON object. finished_at is 0 while an
-- answer is awaited; a handshake past expires_at counts as expired even before
-- the job has written so.
CREATE TABLE handshakes (
    id           TEXT PRIMARY KEY,
    org          TEXT NOT NULL,
    management   TEXT NOT NULL,
    action       TEXT NOT NULL,
    state        TEXT NOT NULL,
    account      TEXT NOT NULL DEFAULT '',
    email        TEXT NOT NULL DEFAULT '',
    email_key    TEXT NOT NULL DEFAULT '',
    parent       TEXT NOT NULL DEFAULT '',
    transfer     TEXT NOT NULL DEFAULT '',
    notes        TEXT NOT NULL DEFAULT '',
    tags         TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    finished_at  BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX handshakes_by_org ON handshakes (org, requested_at, id);
CREATE INDEX handshakes_by_account ON handshakes (account, requested_at, id);
CREATE INDEX handshakes_by_email ON handshakes (email_key, requested_at, id);
CREATE INDEX handshakes_by_parent ON handshakes (parent, account);

-- A transfer: the target organization, which sent the invitation, takes on a
-- responsibility of the source. source is the source's management account, or
-- empty while only its address is known. end_at is 0 unless withdrawn.
CREATE TABLE responsibility_transfers (
    id               TEXT PRIMARY KEY,
    type             TEXT NOT NULL,
    name             TEXT NOT NULL,
    status           TEXT NOT NULL,
    handshake        TEXT NOT NULL,
    target_org       TEXT NOT NULL,
    target           TEXT NOT NULL,
    source_org       TEXT NOT NULL DEFAULT '',
    source           TEXT NOT NULL DEFAULT '',
    source_email     TEXT NOT NULL DEFAULT '',
    source_email_key TEXT NOT NULL DEFAULT '',
    created_at       BIGINT NOT NULL,
    start_at         BIGINT NOT NULL,
    end_at           BIGINT NOT NULL DEFAULT 0,
    expires_at       BIGINT NOT NULL
);
CREATE INDEX responsibility_transfers_by_target ON responsibility_transfers (target_org, created_at, id);
CREATE INDEX responsibility_transfers_by_source ON responsibility_transfers (source, created_at, id);
CREATE INDEX responsibility_transfers_by_email ON responsibility_transfers (source_email_key, created_at, id);

-- govcloud says that a request asks for a pair of accounts, and is, once the
-- pair exists, the id of its half in the other partition.
ALTER TABLE account_requests ADD COLUMN govcloud TEXT NOT NULL DEFAULT '';
CREATE INDEX account_requests_by_govcloud ON account_requests (govcloud);
