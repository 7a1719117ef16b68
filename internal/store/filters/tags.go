package filters

import (
	"context"
	"encoding/json"
	"fmt"

	"muster/internal/arn"
	"muster/internal/store"
)

// SetTags replaces the tags of a filter and nothing else; one that does
// not exist is store.ErrNotFound.
func SetTags(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, id string, tags map[string]string) error {
	text, err := json.Marshal(tags)
	if err != nil {
		return fmt.Errorf("tags of filter %s: %w", id, err)
	}
	n, err := tx.Exec(ctx, `UPDATE filters SET tags = $4 WHERE account = $1 AND region = $2 AND id = $3`, account, region, id, string(text))
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}
