package activation

import (
	"context"
	"time"

	"muster/internal/arn"
	"muster/internal/store"
)

// ClientToken is the reply to a request that can be repeated without harm.
type ClientToken struct {
	Account   arn.AccountID
	Region    arn.Region
	Operation string
	Token     string
	// Request is a digest of what was asked, Reply the JSON of the answer.
	Request, Reply string
	ExpiresAt      time.Time
}

func scanClientToken(s store.Scanner) (ClientToken, error) {
	var t ClientToken
	var expires int64
	err := s.Scan(&t.Account, &t.Region, &t.Operation, &t.Token, &t.Request, &t.Reply, &expires)
	t.ExpiresAt = store.Time(expires)
	return t, err
}

const clientTokenColumns = `account, region, operation, token, request, reply, expires_at`

// LookupClientToken returns the reply kept under a token at a time.
func LookupClientToken(ctx context.Context, tx *store.Tx, account arn.AccountID, region arn.Region, operation, token string, now time.Time) (ClientToken, error) {
	return store.ReadOne(tx.QueryRow(ctx, `SELECT `+clientTokenColumns+` FROM inspector_client_tokens
		WHERE account = $1 AND region = $2 AND operation = $3 AND token = $4 AND expires_at > $5`,
		account, region, operation, token, store.Micros(now)), scanClientToken)
}

// PutClientToken keeps a reply and forgets the account's expired ones.
func PutClientToken(ctx context.Context, tx *store.Tx, t ClientToken, now time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM inspector_client_tokens WHERE account = $1 AND expires_at <= $2`,
		t.Account, store.Micros(now))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO inspector_client_tokens (`+clientTokenColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		t.Account, t.Region, t.Operation, t.Token, t.Request, t.Reply, store.Micros(t.ExpiresAt))
	return err
}
