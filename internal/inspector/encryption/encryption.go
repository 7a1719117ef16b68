// Package encryption answers for the keys that an account names for its
// source code: code snippets of findings, per kind of scan and resource.
//
// muster seals what it stores under its own keyring and reaches no key
// service, so a customer's key is remembered and told, not used.
package encryption

import (
	"context"
	"errors"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// Service is this part of the desk. It is safe for concurrent use.
type Service struct{ store *store.Store }

// New returns it.
func New(s *store.Store) *Service { return &Service{s} }

// AddHandlers adds the operations that this part implements.
func (s *Service) AddHandlers(h *inspector2.Handlers) {
	h.GetEncryptionKey = s.GetEncryptionKey
	h.UpdateEncryptionKey = s.UpdateEncryptionKey
	h.ResetEncryptionKey = s.ResetEncryptionKey
}

// GetEncryptionKey returns the customer's key. ResourceNotFoundException means
// that the service's own is in use.
func (s *Service) GetEncryptionKey(ctx context.Context, call *awsmodel.Call, in *inspector2.GetEncryptionKeyInput) (*inspector2.GetEncryptionKeyOutput, error) {
	var key arn.ARN
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		key, err = activation.LookupEncryptionKey(ctx, tx, call.Account(), call.Region, string(in.ScanType), string(in.ResourceType))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, &inspector2.ResourceNotFoundException{
			Message: "No customer managed key is set for " + string(in.ScanType) + " scans of " + string(in.ResourceType) + "; an AWS owned key is in use.",
		}
	}
	return &inspector2.GetEncryptionKeyOutput{KmsKeyId: string(key)}, err
}

// UpdateEncryptionKey sets the customer's key, which must lie in the call's
// Region.
func (s *Service) UpdateEncryptionKey(ctx context.Context, call *awsmodel.Call, in *inspector2.UpdateEncryptionKeyInput) (*inspector2.UpdateEncryptionKeyOutput, error) {
	p, err := arn.Parse(arn.ARN(in.KmsKeyId))
	if err != nil || p.Service != "kms" || p.Region != call.Region {
		return nil, &inspector2.ValidationException{
			Message: "The key " + in.KmsKeyId + " is not a KMS key of " + string(call.Region) + ".", Reason: inspector2.ValidationExceptionReasonOther,
		}
	}
	return &inspector2.UpdateEncryptionKeyOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		return activation.PutEncryptionKey(ctx, tx, activation.EncryptionKey{
			Account: call.Account(), Region: call.Region, ScanType: string(in.ScanType), ResourceType: string(in.ResourceType),
			Key: arn.ARN(in.KmsKeyId), UpdatedAt: call.Time,
		})
	})
}

// ResetEncryptionKey returns to the service's own key.
func (s *Service) ResetEncryptionKey(ctx context.Context, call *awsmodel.Call, in *inspector2.ResetEncryptionKeyInput) (*inspector2.ResetEncryptionKeyOutput, error) {
	return &inspector2.ResetEncryptionKeyOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		return activation.DeleteEncryptionKey(ctx, tx, call.Account(), call.Region, string(in.ScanType), string(in.ResourceType))
	})
}
