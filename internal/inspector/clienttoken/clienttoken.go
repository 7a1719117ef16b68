// Package clienttoken makes requests that carry a client token happen once.
package clienttoken

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// life is how long a repeated request gets the same reply.
const life = 24 * time.Hour

// Once runs fn, unless the caller has made the same request with the same
// client token within a day: then it returns that reply. Refusals are not
// kept.
func Once[O any](ctx context.Context, tx *store.Tx, call *awsmodel.Call, op string, token *string, in any, fn func() (*O, error)) (*O, error) {
	if token == nil {
		return fn()
	}
	request, err := digest(in)
	if err != nil {
		return nil, err
	}
	kept, err := activation.LookupClientToken(ctx, tx, call.Account(), call.Region, op, *token, call.Time)
	switch {
	case err == nil && kept.Request != request:
		return nil, &inspector2.ValidationException{Message: "The clientToken has been used with another request.", Reason: inspector2.ValidationExceptionReasonOther}
	case err == nil:
		out := new(O)
		return out, json.Unmarshal([]byte(kept.Reply), out)
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	}
	out, err := fn()
	if err != nil {
		return nil, err
	}
	reply, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return out, activation.PutClientToken(ctx, tx, activation.ClientToken{
		Account: call.Account(), Region: call.Region, Operation: op, Token: *token,
		Request: request, Reply: string(reply), ExpiresAt: call.Time.Add(life),
	}, call.Time)
}

func digest(in any) (string, error) {
	b, err := json.Marshal(in)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), err
}
