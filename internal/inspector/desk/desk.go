// Package desk is what the rooms of Inspector's desk share: transactions over
// what a caller sees, pages, and refusals.
package desk

import (
	"context"
	"encoding/json"
	"fmt"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/store"
)

// View runs a query over what the caller sees.
func View[T any](ctx context.Context, st *store.Store, call *awsmodel.Call, fn func(tx *store.Tx, scope inspector.Scope) (T, error)) (T, error) {
	return store.Read(ctx, st, scoped(ctx, call, fn))
}

// Update is View in a transaction that writes; fn may run again.
func Update[T any](ctx context.Context, st *store.Store, call *awsmodel.Call, fn func(tx *store.Tx, scope inspector.Scope) (T, error)) (T, error) {
	return store.Write(ctx, st, scoped(ctx, call, fn))
}

// scoped is fn over what the caller sees.
func scoped[T any](ctx context.Context, call *awsmodel.Call, fn func(tx *store.Tx, scope inspector.Scope) (T, error)) func(*store.Tx) (T, error) {
	return func(tx *store.Tx) (T, error) {
		scope, err := inspector.VisibleAccounts(ctx, tx, call.Account(), call.Region)
		if err != nil {
			var none T
			return none, err
		}
		return fn(tx, scope)
	}
}

// Place opens a page token into the cursor that the page before ended with;
// nil for the first page. query is what the token is bound to.
func Place[C any](pages inspector.Pager, call *awsmodel.Call, op string, query any, token *string) (*C, error) {
	if token == nil || *token == "" {
		return nil, nil
	}
	var c C
	body, err := pages.Open(call, op, query, *token)
	if err == nil {
		err = json.Unmarshal(body, &c)
	}
	if err != nil {
		return nil, Invalid("The nextToken is not valid for this request.")
	}
	return &c, nil
}

// Token seals the cursor that a page ended with.
func Token(pages inspector.Pager, call *awsmodel.Call, op string, query, cursor any) (*string, error) {
	body, err := json.Marshal(cursor)
	if err != nil {
		return nil, err
	}
	return new(pages.Seal(call, op, query, body)), nil
}

// After opens a page token of muster's own operations into the text that the
// page before ended with; "" for the first page.
func After(pages inspector.Pager, call *awsmodel.Call, op string, query any, token *string) (string, error) {
	if token == nil || *token == "" {
		return "", nil
	}
	cursor, err := pages.Open(call, op, query, *token)
	if err != nil || len(cursor) == 0 {
		return "", &muster.ValidationException{Message: "The nextToken is not valid for this request.", Reason: muster.ValidationExceptionReasonOther}
	}
	return string(cursor), nil
}

// Size is how many items a page has: what was asked for, at most the limit.
func Size(asked *int32, usual, most int) int {
	if asked == nil {
		return usual
	}
	return min(max(int(*asked), 1), most)
}

// Invalid is the answer to a request that is well-formed and makes no sense.
func Invalid(format string, args ...any) error {
	return &inspector2.ValidationException{Message: fmt.Sprintf(format, args...), Reason: inspector2.ValidationExceptionReasonOther}
}

// InvalidField is the answer to a member whose value cannot be meant.
func InvalidField(name, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &inspector2.ValidationException{
		Message: message, Reason: inspector2.ValidationExceptionReasonFieldValidationFailed,
		Fields: []inspector2.ValidationExceptionField{{Name: name, Message: message}},
	}
}
