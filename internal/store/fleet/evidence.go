package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"muster/internal/agentwire"
	"muster/internal/arn"
	"muster/internal/store"
)

// Evidence is what a host last said about itself, but for its sockets.
type Evidence struct {
	Hash string
	// CollectedAt is when the host looked.
	CollectedAt time.Time
	// Kernel is the running kernel's release, BootedAt when it was started.
	Kernel   string
	BootedAt time.Time
	// Notes are limits that the agent met while looking.
	Notes []string
}

// PutEvidence replaces what a host says about itself.
func PutEvidence(ctx context.Context, tx *store.Tx, h Host, e *agentwire.Evidence, hash string, collected time.Time) error {
	notes, err := json.Marshal(e.Notes)
	if err != nil {
		return fmt.Errorf("evidence of %s: %w", h.ID, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO host_evidence (account, region, host_id, hash, collected_at, kernel, booted_at, notes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (account, region, host_id) DO UPDATE SET hash = excluded.hash, collected_at = excluded.collected_at,
			kernel = excluded.kernel, booted_at = excluded.booted_at, notes = excluded.notes`,
		h.Account, h.Region, h.ID, hash, store.Micros(collected), e.Kernel, store.Micros(e.BootedAt), string(notes))
	if err != nil {
		return fmt.Errorf("evidence of %s: %w", h.ID, err)
	}
	if err := deleteSockets(ctx, tx, h); err != nil {
		return err
	}
	rows := make([][]any, len(e.Sockets))
	for i, s := range e.Sockets {
		rows[i] = []any{string(h.Account), string(h.Region), string(h.ID), string(s.Protocol), s.Address.String(), int64(s.Port),
			s.Process, s.Executable, s.Package, s.Replaced, s.Contained}
	}
	_, err = tx.InsertRows(ctx, "host_sockets", []string{"account", "region", "host_id", "protocol", "address", "port",
		"process", "executable", "package", "replaced", "contained"}, rows, " ON CONFLICT DO NOTHING")
	if err != nil {
		return fmt.Errorf("sockets of %s: %w", h.ID, err)
	}
	return nil
}

func deleteSockets(ctx context.Context, tx *store.Tx, h Host) error {
	_, err := tx.Exec(ctx, `DELETE FROM host_sockets WHERE account = $1 AND region = $2 AND host_id = $3`, h.Account, h.Region, h.ID)
	if err != nil {
		return fmt.Errorf("sockets of %s: %w", h.ID, err)
	}
	return nil
}

// DeleteEvidence forgets what a host said about itself.
func DeleteEvidence(ctx context.Context, tx *store.Tx, h Host) error {
	if err := deleteSockets(ctx, tx, h); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM host_evidence WHERE account = $1 AND region = $2 AND host_id = $3`, h.Account, h.Region, h.ID)
	if err != nil {
		return fmt.Errorf("evidence of %s: %w", h.ID, err)
	}
	return nil
}

// EvidenceOf returns what a host last said about itself, or store.ErrNotFound:
// there is none, which is not the same as listening on nothing.
func EvidenceOf(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, id agentwire.HostID) (Evidence, error) {
	var e Evidence
	var collected, booted int64
	var notes string
	err := store.One(tx.QueryRow(ctx, `SELECT hash, collected_at, kernel, booted_at, notes FROM host_evidence
		WHERE account = $1 AND region = $2 AND host_id = $3`, account, region, id), &e.Hash, &collected, &e.Kernel, &booted, &notes)
	if err == nil {
		err = json.Unmarshal([]byte(notes), &e.Notes)
	}
	if err != nil {
		return e, fmt.Errorf("evidence of %s: %w", id, err)
	}
	e.CollectedAt, e.BootedAt = store.Time(collected), store.Time(booted)
	return e, nil
}

// Sockets returns the sockets on which a host listens, by protocol, port and
// address. Whether it has told of them at all is EvidenceOf's to say.
func Sockets(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, id agentwire.HostID) ([]agentwire.Socket, error) {
	found, err := SocketsOf(ctx, tx, account, region, id)
	return found[id], err
}

// SocketsOf returns the sockets of several hosts of an account in a Region, by
// host; of all its hosts where none is named.
func SocketsOf(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, ids ...agentwire.HostID) (map[agentwire.HostID][]agentwire.Socket, error) {
	var w store.Where
	w.Add("account = ?", account)
	w.Add("region = ?", region)
	if len(ids) > 0 {
		store.In(&w, "host_id", ids...)
	}
	type row struct {
		host   agentwire.HostID
		socket agentwire.Socket
	}
	rows, err := tx.Query(ctx, `SELECT host_id, protocol, address, port, process, executable, package, replaced, contained
		FROM host_sockets`+w.SQL()+` ORDER BY host_id, protocol, port, address, executable, process`, w.Args()...)
	list, err := store.ReadAll(rows, err, func(s store.Scanner) (r row, err error) {
		var address string
		var port int64
		err = s.Scan(&r.host, &r.socket.Protocol, &address, &port, &r.socket.Process, &r.socket.Executable, &r.socket.Package,
			&r.socket.Replaced, &r.socket.Contained)
		if err == nil {
			r.socket.Address, err = netip.ParseAddr(address)
		}
		r.socket.Port = uint16(port)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("sockets of hosts: %w", err)
	}
	found := make(map[agentwire.HostID][]agentwire.Socket, len(ids))
	for _, r := range list {
		found[r.host] = append(found[r.host], r.socket)
	}
	return found, nil
}
