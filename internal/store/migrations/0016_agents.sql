-- Agents as a product: what an activation gives its hosts, when a host's key
-- was made, and what a host says about itself besides its packages.

-- +goose Up

-- Tags that every host of the activation gets, as JSON.
ALTER TABLE agent_activations ADD COLUMN tags TEXT NOT NULL DEFAULT '{}';
-- The instance that the one host of the activation is, '' for a new one.
ALTER TABLE agent_activations ADD COLUMN instance TEXT NOT NULL DEFAULT '';
-- When it was deleted, else 0: whoever uses its code late is told so.
ALTER TABLE agent_activations ADD COLUMN deleted_at BIGINT NOT NULL DEFAULT 0;

-- Its tags beside its name, as JSON.
ALTER TABLE agent_hosts ADD COLUMN tags TEXT NOT NULL DEFAULT '{}';
-- Since when the host has its key; 0 for keys from before this was noted.
ALTER TABLE agent_hosts ADD COLUMN key_at BIGINT NOT NULL DEFAULT 0;
-- Whether somebody has asked for another key.
ALTER TABLE agent_hosts ADD COLUMN rotate BOOLEAN NOT NULL DEFAULT FALSE;
-- Whether the machine was shut down.
ALTER TABLE agent_hosts ADD COLUMN stopped BOOLEAN NOT NULL DEFAULT FALSE;

-- What a host last said about itself.
CREATE TABLE host_evidence (
    account      TEXT   NOT NULL,
    region       TEXT   NOT NULL,
    host_id      TEXT   NOT NULL,
    -- agentwire.Evidence.Hash.
    hash         TEXT   NOT NULL,
    collected_at BIGINT NOT NULL,
    -- The running kernel's release, and when it was started.
    kernel       TEXT   NOT NULL,
    booted_at    BIGINT NOT NULL,
    -- Limits that were met while looking, as JSON.
    notes        TEXT   NOT NULL,
    PRIMARY KEY (account, region, host_id)
);

-- The sockets on which a host listens.
CREATE TABLE host_sockets (
    account    TEXT    NOT NULL,
    region     TEXT    NOT NULL,
    host_id    TEXT    NOT NULL,
    -- TCP or UDP.
    protocol   TEXT    NOT NULL,
    -- 0.0.0.0 and :: stand for all addresses.
    address    TEXT    NOT NULL,
    port       BIGINT  NOT NULL,
    -- The program that listens, by the name of its process and its file.
    process    TEXT    NOT NULL,
    executable TEXT    NOT NULL,
    -- The operating-system package that owns the file.
    package    TEXT    NOT NULL,
    -- The file was replaced or removed while the program ran.
    replaced   BOOLEAN NOT NULL,
    -- The program runs in a root of its own, such as a container's.
    contained  BOOLEAN NOT NULL,
    PRIMARY KEY (account, region, host_id, protocol, port, address, executable, process)
);

-- +goose Down
DROP TABLE host_sockets;
DROP TABLE host_evidence;
ALTER TABLE agent_hosts DROP COLUMN stopped;
ALTER TABLE agent_hosts DROP COLUMN rotate;
ALTER TABLE agent_hosts DROP COLUMN key_at;
ALTER TABLE agent_hosts DROP COLUMN tags;
ALTER TABLE agent_activations DROP COLUMN deleted_at;
ALTER TABLE agent_activations DROP COLUMN instance;
ALTER TABLE agent_activations DROP COLUMN tags;
