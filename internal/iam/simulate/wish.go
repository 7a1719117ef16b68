package simulate

import (
	"errors"
	"fmt"
	"strings"

	"muster/internal/arn"
	api "muster/internal/awsmodel/iam"
	"muster/internal/iam/desk"
	"muster/internal/policy"
)

// wish is what the two simulations have in common.
type wish struct {
	actions, resources, boundaries []string
	resourcePolicy, owner, caller  *string
	entries                        []api.ContextEntry
}

// query is what a marker is bound to.
func (w *wish) query() any {
	return []any{w.actions, w.resources, w.boundaries, w.resourcePolicy, w.owner, w.caller, w.entries}
}

// sources names documents for the answer.
type sources map[*policy.Document]source

// source names a document and its kind, in the words the service answers with.
type source struct {
	id   string
	kind api.PolicySourceType
}

// The kinds of sources as AWS answers them, which its model does not list.
const (
	iamPolicy      api.PolicySourceType = "IAM Policy"
	boundaryPolicy api.PolicySourceType = "IAM Permissions Boundary Policy"
	resourcePolicy api.PolicySourceType = "Resource Policy"
)

// scene is who would act, with what.
type scene struct {
	principal arn.Principal
	policies  policy.Policies
	context   policy.Context
	names     sources
}

// add adds the policies of a request to those of the principal.
func (s *scene) add(list string, texts []string) error {
	docs, err := s.parse(list, texts, policy.Identity, iamPolicy)
	s.policies.Identity = append(s.policies.Identity, docs...)
	return err
}

func (s *scene) parse(list string, texts []string, kind policy.Kind, as api.PolicySourceType) ([]*policy.Document, error) {
	var docs []*policy.Document
	for i, text := range texts {
		id := fmt.Sprintf("%s.%d", list, i+1)
		doc, err := parse(id, text, kind)
		if err != nil {
			return nil, err
		}
		s.names[doc] = source{id, as}
		docs = append(docs, doc)
	}
	return docs, nil
}

func parse(id, text string, kinds ...policy.Kind) (*policy.Document, error) {
	var first error
	for _, kind := range kinds {
		doc, err := policy.Parse(text, kind)
		if err == nil {
			return doc, nil
		}
		if first == nil {
			first = err
		}
	}
	if m, ok := errors.AsType[*policy.Malformed](first); ok {
		return nil, desk.Invalid("Invalid policy in %s: %s", id, m.Message)
	}
	return nil, first
}

// ofAnyKind parses policies that may be anybody's.
func ofAnyKind(texts []string) ([]*policy.Document, error) {
	var docs []*policy.Document
	for i, text := range texts {
		doc, err := parse(fmt.Sprintf("PolicyInputList.%d", i+1), text, policy.Identity, policy.Resource, policy.Trust)
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// apply adds to the scene what the request says beyond the policies.
func (w *wish) apply(s *scene) error {
	for _, a := range w.actions {
		if vendor, name, ok := strings.Cut(a, ":"); !ok || vendor == "" || name == "" || strings.ContainsAny(a, "*? ") {
			return desk.Invalid("Invalid Action Name: %s", a)
		}
	}
	for _, a := range w.resources {
		if _, err := arn.Parse(arn.ARN(a)); err != nil && a != "*" {
			return desk.Invalid("Invalid Resource Arn: %s", a)
		}
	}
	if len(w.resources) == 0 {
		w.resources = []string{"*"}
	}
	if err := w.applyCaller(s); err != nil {
		return err
	}
	if err := w.applyPolicies(s); err != nil {
		return err
	}
	return w.applyContext(s)
}

func (w *wish) applyCaller(s *scene) error {
	if w.caller == nil {
		return nil
	}
	p, ok := principal(arn.ARN(*w.caller))
	if !ok {
		return desk.Invalid("Invalid Caller Arn: %s", *w.caller)
	}
	if p.ARN != s.principal.ARN {
		s.principal = p
	}
	return nil
}

// principal is the user, role or session of an ARN.
func principal(a arn.ARN) (arn.Principal, bool) {
	parts, err := arn.Parse(a)
	if err != nil || !parts.Account.Valid() {
		return arn.Principal{}, false
	}
	kind, rest, _ := strings.Cut(parts.Resource, "/")
	switch {
	case rest == "":
	case parts.Service == "iam" && kind == "user":
		return arn.Principal{Kind: arn.User, Account: parts.Account, ARN: a}, true
	case parts.Service == "iam" && kind == "role":
		name := rest[strings.LastIndexByte(rest, '/')+1:]
		return session(parts.Account, name, "simulation", a), true
	case parts.Service == "sts" && kind == "assumed-role" && strings.Count(rest, "/") == 1:
		role, name, _ := strings.Cut(rest, "/")
		return session(parts.Account, role, name, arn.New("iam", "", parts.Account, "role/"+role)), true
	}
	return arn.Principal{}, false
}

// session is a role's session.
func session(account arn.AccountID, role, name string, roleARN arn.ARN) arn.Principal {
	return arn.Principal{
		Kind: arn.AssumedRole, Account: account, ARN: arn.New("sts", "", account, "assumed-role/"+role+"/"+name), RoleARN: roleARN,
	}
}

func (w *wish) applyPolicies(s *scene) (err error) {
	if len(w.boundaries) > 1 {
		return desk.Invalid("Only one permissions boundary policy is allowed.")
	}
	if w.boundaries != nil {
		if s.policies.Boundary, err = s.parse("PermissionsBoundaryPolicyInputList", w.boundaries, policy.Identity, boundaryPolicy); err != nil {
			return err
		}
	}
	if w.resourcePolicy == nil {
		return nil
	}
	if s.principal.ARN == "" {
		return desk.Invalid("CallerArn is required when a ResourcePolicy is included and the caller is not a user or role.")
	}
	doc, err := parse("ResourcePolicy", *w.resourcePolicy, policy.Resource, policy.Trust)
	if err != nil {
		return err
	}
	s.names[doc] = source{"ResourcePolicy", resourcePolicy}
	s.policies.Resource = doc
	return nil
}

// applyContext sets the condition keys of the request, which count before
// those of the principal.
func (w *wish) applyContext(s *scene) error {
	for _, e := range w.entries {
		name := desk.Value(e.ContextKeyName, "")
		if !strings.Contains(name, ":") {
			return desk.Invalid("Invalid Context Key Name: %s", name)
		}
		if len(e.ContextKeyValues) > 1 && e.ContextKeyType != "" && !strings.HasSuffix(string(e.ContextKeyType), "List") {
			return desk.Invalid("Context key %s of type %s can have one value only.", name, e.ContextKeyType)
		}
		s.context.Set(name, e.ContextKeyValues...)
	}
	return nil
}

// ownerOf is the account of a resource.
func (w *wish) ownerOf(resource string, caller arn.AccountID) arn.AccountID {
	if parts, err := arn.Parse(arn.ARN(resource)); err == nil && parts.Account.Valid() {
		return parts.Account
	}
	if w.owner != nil {
		if arn.AccountID(*w.owner).Valid() {
			return arn.AccountID(*w.owner)
		}
		if parts, err := arn.Parse(arn.ARN(*w.owner)); err == nil && parts.Account.Valid() {
			return parts.Account
		}
	}
	return caller
}
