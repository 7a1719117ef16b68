package sts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/sts"
	"muster/internal/iam"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/identity"
)

const (
	defaultSession = time.Hour
	chainedSession = time.Hour
	// maxSessionPolicy bounds an inline session policy in characters.
	maxSessionPolicy = 2048
	// maxPolicyArns bounds the managed session policies.
	maxPolicyArns = 10
	// maxPacked bounds session policies and tags together in bytes, because
	// they travel in the session token.
	maxPacked = 8 << 10
)

// AssumeRole gives the caller temporary credentials with a role's rights.
func (s *Service) AssumeRole(ctx context.Context, call *awsmodel.Call, in *api.AssumeRoleInput) (*api.AssumeRoleOutput, error) {
	if err := supported(in); err != nil {
		return nil, err
	}
	if call.Principal.Kind == arn.RootUser && !s.RootMayAssume {
		return nil, denied("Roles may not be assumed by root accounts.")
	}
	var session arn.Session
	if err := carry(&session, call.Principal.Session, in); err != nil {
		return nil, err
	}
	role, sessionPolicy, err := s.prepare(ctx, call, in)
	if err != nil {
		return nil, err
	}
	d := duration(in.DurationSeconds, defaultSession)
	switch {
	case call.Principal.Kind == arn.AssumedRole && d > chainedSession:
		return nil, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case d > role.MaxSession:
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	begun := iam.RoleSession(role, in.RoleSessionName, sessionPolicy, call.Time, d)
	begun.Tags, begun.Transitive, begun.SourceIdentity = session.Tags, session.Transitive, session.SourceIdentity
	packed, err := packedSize(begun)
	if err != nil {
		return nil, err
	}
	credentials, err := s.issue(begun)
	if err != nil {
		return nil, err
	}
	out := &api.AssumeRoleOutput{Credentials: credentials, PackedPolicySize: packed, AssumedRoleUser: &api.AssumedRoleUser{
		AssumedRoleId: role.ID + ":" + in.RoleSessionName,
		Arn:           string(iam.SessionARN(role.Account, role.Name, in.RoleSessionName)),
	}}
	if begun.SourceIdentity != "" {
		out.SourceIdentity = &begun.SourceIdentity
	}
	return out, nil
}

// supported refuses what a session here cannot carry, so that nobody relies on
// it.
func supported(in *api.AssumeRoleInput) error {
	switch {
	case in.SerialNumber != nil || in.TokenCode != nil:
		return noMFA()
	case len(in.ProvidedContexts) > 0:
		return invalid("Provided contexts are not supported.")
	}
	return nil
}

// prepare reads the role and the session's policies.
func (s *Service) prepare(ctx context.Context, call *awsmodel.Call, in *api.AssumeRoleInput) (role identity.Role, sessionPolicy string, err error) {
	parts, err := arn.Parse(arn.ARN(in.RoleArn))
	if err != nil {
		return role, "", invalid(in.RoleArn + " is invalid")
	}
	err = s.store.View(ctx, func(tx *store.Tx) error {
		role, err = identity.RoleByName(ctx, tx, parts.Account, parts.Resource[strings.LastIndexByte(parts.Resource, '/')+1:])
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err != nil || string(role.ARN()) != in.RoleArn {
			// It went since access looked.
			return denied(fmt.Sprintf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", call.Principal.ARN, in.RoleArn))
		}
		sessionPolicy, err = s.sessionPolicy(ctx, tx, role.Account, in.Policy, in.PolicyArns)
		return err
	})
	return role, sessionPolicy, err
}

// sessionPolicy joins the inline and the managed session policies into one
// document, since what any of them allows is allowed. Managed ones count as
// they are now.
func (s *Service) sessionPolicy(ctx context.Context, tx *store.Tx, account arn.AccountID, inline *string, managed []api.PolicyDescriptorType) (string, error) {
	var documents []string
	if inline != nil {
		if n := len([]rune(*inline)); n > maxSessionPolicy {
			return "", tooLarge(100 * n / maxSessionPolicy)
		}
		documents = append(documents, *inline)
	}
	if len(managed) > maxPolicyArns {
		return "", invalid(fmt.Sprintf("A session can have at most %d managed policies.", maxPolicyArns))
	}
	for _, p := range managed {
		text, err := s.managedDocument(ctx, tx, account, p.Arn)
		if err != nil {
			return "", err
		}
		documents = append(documents, text)
	}
	if documents == nil {
		return "", nil
	}
	return merge(documents)
}

// packedSize is how much of the space in a session token the session's policy
// and tags take, in percent; nil when there are none.
func packedSize(session iam.Session) (*int32, error) {
	n := len(session.Policy)
	for name, value := range session.Tags {
		n += len(name) + len(value)
	}
	switch {
	case n > maxPacked:
		return nil, tooLarge(100 * n / maxPacked)
	case n == 0:
		return nil, nil
	}
	return new(int32((100*n + maxPacked - 1) / maxPacked)), nil
}

func (s *Service) managedDocument(ctx context.Context, tx *store.Tx, account arn.AccountID, policyARN *string) (string, error) {
	if policyARN == nil {
		return "", invalid("A policy descriptor without an ARN is invalid.")
	}
	if p := s.managed.Get(arn.ARN(*policyARN)); p != nil {
		return p.Document, nil
	}
	p, err := identity.PolicyByARN(ctx, tx, account, arn.ARN(*policyARN))
	if errors.Is(err, store.ErrNotFound) {
		return "", &api.MalformedPolicyDocumentException{Message: "The session policy " + *policyARN + " does not exist."}
	}
	return p.Document, err
}

// merge joins identity policies. Statement ids are dropped: they are unique
// only within their document.
func merge(documents []string) (string, error) {
	type document struct {
		Version   string
		Statement []map[string]json.RawMessage
	}
	out := document{Version: "2012-10-17"}
	for _, text := range documents {
		if _, err := policy.Parse(text, policy.Identity); err != nil {
			return "", &api.MalformedPolicyDocumentException{Message: err.Error()}
		}
		statements, err := statements(text)
		if err != nil {
			return "", fmt.Errorf("merge session policies: %w", err)
		}
		out.Statement = append(out.Statement, statements...)
	}
	for _, s := range out.Statement {
		delete(s, "Sid")
	}
	merged, err := json.Marshal(out)
	return string(merged), err
}

// statements reads the statements of a valid document: one, or a list.
func statements(text string) ([]map[string]json.RawMessage, error) {
	var doc struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	if strings.HasPrefix(string(doc.Statement), "{") {
		doc.Statement = json.RawMessage("[" + string(doc.Statement) + "]")
	}
	var list []map[string]json.RawMessage
	err := json.Unmarshal(doc.Statement, &list)
	return list, err
}

func tooLarge(percent int) error {
	return &api.PackedPolicyTooLargeException{Message: fmt.Sprintf("Packed size of session policy consumes %d%% of allotted space.", percent)}
}
