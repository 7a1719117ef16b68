package fleet

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/agentwire"
	"muster/internal/arn"
	"muster/internal/store"
)

// Status says whether a host may report.
type Status string

// The states of a host.
const (
	Active  Status = "ACTIVE"
	Revoked Status = "REVOKED"
)

// Host is an enrolled host.
type Host struct {
	Account arn.AccountID
	Region  arn.Region
	ID      agentwire.HostID
	// MachineHash recognises the machine; empty where it has no machine id.
	MachineHash string
	Label       string
	PublicKey   ed25519.PublicKey
	Status      Status
	// ActivationID is the activation of the latest enrolment.
	ActivationID string
	AgentVersion string
	EnrolledAt   time.Time
	RevokedAt    time.Time
	// LastSeen is when the last report was accepted; zero before the first.
	LastSeen time.Time
	// Sequence is the highest accepted from the current key.
	Sequence int64
	// InventoryHash is the inventory of the last report; empty before the
	// first report of the current key.
	InventoryHash string
	// Tags are the host's beside its name.
	Tags map[string]string
	// KeyAt is since when the host has its key, zero where that was not noted.
	KeyAt time.Time
	// Rotate says that somebody has asked for another key.
	Rotate bool
	// Stopped says that the machine was shut down.
	Stopped bool
}

const hostColumns = `account, region, host_id, machine_hash, label, public_key, status, activation_id, agent_version,
	enrolled_at, revoked_at, last_seen, sequence, inventory_hash, tags, key_at, rotate, stopped`

func scanHost(row *sql.Rows) (Host, error) {
	var h Host
	var machine sql.NullString
	var key []byte
	var tags string
	var enrolled, revoked, seen, keyed int64
	err := row.Scan(&h.Account, &h.Region, &h.ID, &machine, &h.Label, &key, &h.Status, &h.ActivationID, &h.AgentVersion,
		&enrolled, &revoked, &seen, &h.Sequence, &h.InventoryHash, &tags, &keyed, &h.Rotate, &h.Stopped)
	if err == nil {
		err = json.Unmarshal([]byte(tags), &h.Tags)
	}
	h.KeyAt = store.Time(keyed)
	h.MachineHash, h.PublicKey = machine.String, key
	h.EnrolledAt, h.RevokedAt, h.LastSeen = store.Time(enrolled), store.Time(revoked), store.Time(seen)
	return h, err
}

// HostByID returns a host, revoked ones too, or store.ErrNotFound. The id
// alone names it, because a host's request names no account.
func HostByID(ctx context.Context, tx *store.Tx, id agentwire.HostID) (Host, error) {
	return oneHost(ctx, tx, `host_id = $1`, id)
}

// HostByMachine returns the host of a machine in an account and Region, or
// store.ErrNotFound.
func HostByMachine(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, machineHash string) (Host, error) {
	return oneHost(ctx, tx, `account = $1 AND region = $2 AND machine_hash = $3`, account, region, machineHash)
}

// HostByKey returns the host that enrolled by the activation with the key, or
// store.ErrNotFound.
func HostByKey(ctx context.Context, tx *store.Tx, a Activation, key ed25519.PublicKey) (Host, error) {
	return oneHost(ctx, tx, `account = $1 AND region = $2 AND activation_id = $3 AND public_key = $4`, a.Account, a.Region, a.ID, []byte(key))
}

// NamelessHost returns the host with the key among those whose machines have no
// id of their own, or store.ErrNotFound.
func NamelessHost(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, key ed25519.PublicKey) (Host, error) {
	return oneHost(ctx, tx, `public_key = $1 AND account = $2 AND region = $3 AND machine_hash IS NULL`, []byte(key), account, region)
}

func oneHost(ctx context.Context, tx *store.Tx, condition string, args ...any) (Host, error) {
	rows, err := tx.Query(ctx, `SELECT `+hostColumns+` FROM agent_hosts WHERE `+condition+` LIMIT 1`, args...)
	hosts, err := store.All(rows, err, scanHost)
	if err == nil && len(hosts) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return Host{}, fmt.Errorf("host: %w", err)
	}
	return hosts[0], nil
}

// Hosts lists an account's hosts in a Region by their ids: up to limit after
// the id given ("" from the beginning).
func Hosts(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, after agentwire.HostID, limit int) ([]Host, error) {
	rows, err := tx.Query(ctx, `SELECT `+hostColumns+` FROM agent_hosts
		WHERE account = $1 AND region = $2 AND host_id > $3 ORDER BY host_id LIMIT $4`, account, region, after, limit)
	hosts, err := store.All(rows, err, scanHost)
	if err != nil {
		return nil, fmt.Errorf("hosts: %w", err)
	}
	return hosts, nil
}

// PutHost stores an enrolment: a new host, or a known one with its new key.
func PutHost(ctx context.Context, tx *store.Tx, h Host) error {
	machine := sql.NullString{String: h.MachineHash, Valid: h.MachineHash != ""}
	tags, err := json.Marshal(h.Tags)
	if err != nil {
		return fmt.Errorf("store host %s: %w", h.ID, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO agent_hosts (`+hostColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
		ON CONFLICT (account, region, host_id) DO UPDATE SET
			machine_hash = excluded.machine_hash, label = excluded.label, public_key = excluded.public_key, status = excluded.status,
			activation_id = excluded.activation_id, agent_version = excluded.agent_version, enrolled_at = excluded.enrolled_at,
			revoked_at = excluded.revoked_at, last_seen = excluded.last_seen, sequence = excluded.sequence,
			inventory_hash = excluded.inventory_hash, tags = excluded.tags, key_at = excluded.key_at, rotate = excluded.rotate, stopped = excluded.stopped`,
		h.Account, h.Region, h.ID, machine, h.Label, []byte(h.PublicKey), h.Status, h.ActivationID, h.AgentVersion,
		store.Micros(h.EnrolledAt), store.Micros(h.RevokedAt), store.Micros(h.LastSeen), h.Sequence, h.InventoryHash,
		string(tags), store.Micros(h.KeyAt), h.Rotate, h.Stopped)
	if err != nil {
		return fmt.Errorf("store host %s: %w", h.ID, err)
	}
	return nil
}

// Seen records an accepted report of the host.
func Seen(ctx context.Context, tx *store.Tx, h Host) error {
	_, err := tx.Exec(ctx, `UPDATE agent_hosts SET last_seen = $4, sequence = $5, inventory_hash = $6, agent_version = $7, stopped = $8
		WHERE account = $1 AND region = $2 AND host_id = $3`,
		h.Account, h.Region, h.ID, store.Micros(h.LastSeen), h.Sequence, h.InventoryHash, h.AgentVersion, h.Stopped)
	if err != nil {
		return fmt.Errorf("host %s seen: %w", h.ID, err)
	}
	return nil
}

// Revoke takes the host's right to report.
func Revoke(ctx context.Context, tx *store.Tx, h Host, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE agent_hosts SET status = $4, revoked_at = $5 WHERE account = $1 AND region = $2 AND host_id = $3`,
		h.Account, h.Region, h.ID, Revoked, store.Micros(now))
	if err != nil {
		return fmt.Errorf("revoke host %s: %w", h.ID, err)
	}
	return nil
}
