package access

import (
	"context"
	"errors"

	"muster/internal/organizations/handshakes"
	"muster/internal/store"
)

// handshakeTarget is a handshake, which belongs to the organization that sent
// it, whoever asks.
func (d *Desk) handshakeTarget(ctx context.Context, id string) ([]target, error) {
	t := target{arn: everything}
	err := d.config.Store.View(ctx, func(tx *store.Tx) error {
		resource, err := handshakes.ARNOf(ctx, tx, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		t.arn = resource
		return err
	})
	return []target{t}, err
}
