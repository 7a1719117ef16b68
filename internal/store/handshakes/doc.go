// Package handshakes remembers what organizations and accounts have offered
// each other: invitations, the consents to all features, and transfers of
// responsibility with the handshakes that offer them.
//
// It keeps states and decides nothing; the desk of the same name does. Lists
// are pages in the order of time, beginning after a given place.
package handshakes

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/internal/store"
)

// Place is where a page of a list ended: the time and id of its last row. The
// zero value is before the first one.
type Place struct {
	Time time.Time
	ID   string
}

func count(ctx context.Context, tx *store.Tx, query string, args ...any) (int, error) {
	var n int
	err := tx.QueryRow(ctx, query, args...).Scan(&n)
	return n, err
}

func tagsText(tags map[string]string) (string, error) {
	body, err := json.Marshal(tags)
	return string(body), err
}

func readTags(text string) (tags map[string]string, err error) {
	if err := json.Unmarshal([]byte(text), &tags); err != nil {
		return nil, fmt.Errorf("tags of a handshake: %w", err)
	}
	return tags, nil
}
