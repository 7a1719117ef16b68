package iam

import (
	"context"
	"errors"
	"fmt"

	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/store"
	"muster/internal/store/identity"
)

// CreateAccessKey gives a user, or the one who asks, an access key. This is
// the only time that the secret leaves.
func (s *Service) CreateAccessKey(ctx context.Context, call *awsmodel.Call, in *api.CreateAccessKeyInput) (*api.CreateAccessKeyOutput, error) {
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.CreateAccessKeyOutput, error) {
		u, err := s.subject(ctx, tx, call, in.UserName)
		if err != nil {
			return nil, err
		}
		key, secret, err := createKey(ctx, tx, s.keys.keyring, u.Owner(), call.Time)
		if errors.Is(err, errTooManyKeys) {
			return nil, desk.Quota("AccessKeysPerUser", maxAccessKeys)
		}
		if err != nil {
			return nil, err
		}
		return &api.CreateAccessKeyOutput{AccessKey: &api.AccessKey{
			UserName: u.Name, AccessKeyId: key.ID, Status: api.StatusTypeActive, SecretAccessKey: secret, CreateDate: new(desk.Seconds(key.CreatedAt)),
		}}, nil
	})
}

// ListAccessKeys lists a user's access keys.
func (s *Service) ListAccessKeys(ctx context.Context, call *awsmodel.Call, in *api.ListAccessKeysInput) (*api.ListAccessKeysOutput, error) {
	p, err := s.desk.NewPage(call, "ListAccessKeys", desk.Value(in.UserName, ""), in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, func(tx *store.Tx) (*api.ListAccessKeysOutput, error) {
		u, err := s.subject(ctx, tx, call, in.UserName)
		if err != nil {
			return nil, err
		}
		keys, err := identity.KeysOf(ctx, tx, u.Owner())
		if err != nil {
			return nil, err
		}
		out := &api.ListAccessKeysOutput{AccessKeyMetadata: []api.AccessKeyMetadata{}}
		keys, out.IsTruncated, out.Marker = desk.Slice(&p, keys)
		for _, k := range keys {
			out.AccessKeyMetadata = append(out.AccessKeyMetadata, api.AccessKeyMetadata{
				UserName: desk.Optional(u.Name), AccessKeyId: new(k.ID), Status: api.StatusType(k.Status), CreateDate: new(desk.Seconds(k.CreatedAt)),
			})
		}
		return out, nil
	})
}

// UpdateAccessKey switches an access key on or off.
func (s *Service) UpdateAccessKey(ctx context.Context, call *awsmodel.Call, in *api.UpdateAccessKeyInput) (*api.UpdateAccessKeyOutput, error) {
	if in.Status != api.StatusTypeActive && in.Status != api.StatusTypeInactive {
		return nil, desk.InvalidRequest("Access keys can only be set Active or Inactive.")
	}
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.UpdateAccessKeyOutput, error) {
		u, err := s.subject(ctx, tx, call, in.UserName)
		if err != nil {
			return nil, err
		}
		err = identity.SetKeyStatus(ctx, tx, u.Owner(), in.AccessKeyId, string(in.Status))
		return &api.UpdateAccessKeyOutput{}, noSuchKey(err, in.AccessKeyId)
	})
}

// DeleteAccessKey deletes an access key.
func (s *Service) DeleteAccessKey(ctx context.Context, call *awsmodel.Call, in *api.DeleteAccessKeyInput) (*api.DeleteAccessKeyOutput, error) {
	return update(ctx, s, call.Account(), func(tx *store.Tx) (*api.DeleteAccessKeyOutput, error) {
		u, err := s.subject(ctx, tx, call, in.UserName)
		if err != nil {
			return nil, err
		}
		err = identity.DeleteKey(ctx, tx, u.Owner(), in.AccessKeyId)
		return &api.DeleteAccessKeyOutput{}, noSuchKey(err, in.AccessKeyId)
	})
}

// GetAccessKeyLastUsed tells whose key it is and when and where it was used.
func (s *Service) GetAccessKeyLastUsed(ctx context.Context, call *awsmodel.Call, in *api.GetAccessKeyLastUsedInput) (*api.GetAccessKeyLastUsedOutput, error) {
	return view(ctx, s, func(tx *store.Tx) (*api.GetAccessKeyLastUsedOutput, error) {
		k, err := identity.KeyByID(ctx, tx, call.Account(), in.AccessKeyId)
		if errors.Is(err, store.ErrNotFound) {
			// The model declares no other error: AWS does not tell keys
			// that are another account's from those that do not exist.
			return nil, &awsmodel.Fault{Code: "AccessDenied", Status: 403, Message: fmt.Sprintf(
				"User: %s is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key %s", call.Principal.ARN, in.AccessKeyId)}
		}
		if err != nil {
			return nil, err
		}
		u := identity.User{}
		if k.Owner != "" {
			if u, err = identity.UserByID(ctx, tx, k.Account, k.Owner); err != nil {
				return nil, err
			}
		}
		k = s.desk.Key(k)
		used := api.AccessKeyLastUsed{ServiceName: "N/A", Region: "N/A"}
		if !k.LastUsedAt.IsZero() {
			used = api.AccessKeyLastUsed{LastUsedDate: new(desk.Seconds(k.LastUsedAt)), ServiceName: k.LastUsedService, Region: k.LastUsedRegion}
		}
		return &api.GetAccessKeyLastUsedOutput{UserName: desk.Optional(u.Name), AccessKeyLastUsed: &used}, nil
	})
}

func noSuchKey(err error, id string) error {
	return desk.NoSuch(err, "The Access Key with id %s cannot be found.", id)
}
