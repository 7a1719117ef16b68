package access

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/iam"
	"muster/internal/iam/providers"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/identity"
)

// iamTargets is the user, group, role or policy that an input names, and when
// it is renamed also what it becomes.
func (d *Desk) iamTargets(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) ([]target, error) {
	var t target
	err := d.config.Store.View(ctx, func(tx *store.Tx) (err error) {
		t, err = iamTarget(ctx, tx, call, op, in)
		return err
	})
	if renamed, ok := renamed(t, in); ok {
		return []target{t, renamed}, err
	}
	return []target{t}, err
}

// renamed is what a target becomes with a new name or path.
func renamed(t target, in any) (target, bool) {
	path, name := field(in, "NewPath"), field(in, "NewUserName")+field(in, "NewGroupName")
	if path == "" && name == "" {
		return target{}, false
	}
	first, last := strings.Index(string(t.arn), "/"), strings.LastIndex(string(t.arn), "/")
	if first < 0 {
		return target{}, false
	}
	if path == "" {
		path = string(t.arn[first : last+1])
	}
	if name == "" {
		name = string(t.arn[last+1:])
	}
	t.arn, t.name = t.arn[:first]+arn.ARN(path+name), ""
	return t, true
}

func iamTarget(ctx context.Context, tx *store.Tx, call *awsmodel.Call, op *awsmodel.Operation, in any) (target, error) {
	if name := field(in, "InstanceProfileName"); name != "" {
		return namedEntity(ctx, tx, call.Account(), "instance-profile", name, field(in, "Path"))
	}
	creates := strings.HasPrefix(op.Name, "Create")
	for _, kind := range []string{"Group", "Role", "User"} {
		name := field(in, kind+"Name")
		if name == "" {
			continue
		}
		t, err := namedEntity(ctx, tx, call.Account(), strings.ToLower(kind), name, field(in, "Path"))
		if !creates {
			t.name = strings.ToLower(kind) + " " + name
		}
		return t, err
	}
	own := func(resource string) target { return target{arn: arn.New("iam", "", call.Account(), resource)} }
	switch {
	case field(in, "PolicyArn") != "":
		return target{arn: arn.ARN(field(in, "PolicyArn")), name: "policy " + field(in, "PolicyArn")}, nil
	case field(in, "PolicySourceArn") != "":
		return target{arn: arn.ARN(field(in, "PolicySourceArn"))}, nil
	case op.Name == "CreatePolicy":
		t := own("policy" + pathOf(field(in, "Path")) + field(in, "PolicyName"))
		t.name = "policy " + field(in, "PolicyName")
		return t, nil
	case op.Name == "CreateOpenIDConnectProvider":
		name, _ := providers.NameOf(field(in, "Url"))
		return own(string(identity.OIDC) + "/" + name), nil
	case op.Name == "CreateSAMLProvider":
		return own(string(identity.SAML) + "/" + field(in, "Name")), nil
	case field(in, "OpenIDConnectProviderArn")+field(in, "SAMLProviderArn") != "":
		return provider(ctx, tx, arn.ARN(field(in, "OpenIDConnectProviderArn")+field(in, "SAMLProviderArn")))
	case op.Name == "CreateVirtualMFADevice":
		return own("mfa" + pathOf(field(in, "Path")) + field(in, "VirtualMFADeviceName")), nil
	case op.Name == "DeleteVirtualMFADevice", op.Name == "GetMFADevice":
		return target{arn: arn.ARN(field(in, "SerialNumber"))}, nil
	case field(in, "AWSServiceName") != "":
		if role, ok := iam.ServiceLinkedRoleARN(call.Account(), field(in, "AWSServiceName")); ok {
			return target{arn: role}, nil
		}
		return own("role/aws-service-role/" + field(in, "AWSServiceName") + "/*"), nil
	case aboutUsers(op.Name):
		return target{arn: call.Principal.ARN}, nil // one's own
	case op.Name == "ListUsers", op.Name == "ListRoles", op.Name == "ListGroups", op.Name == "ListPolicies":
		kind := map[string]string{"ListUsers": "user", "ListRoles": "role", "ListGroups": "group", "ListPolicies": "policy"}[op.Name]
		return own(kind + pathOf(field(in, "PathPrefix"))), nil
	}
	return target{arn: everything}, nil
}

// aboutUsers reports whether an operation is about the caller when its input
// names no user.
func aboutUsers(op string) bool {
	for _, what := range []string{"AccessKey", "MFADevice", "MFADevices", "SigningCertificate", "SigningCertificates", "LoginProfile", "SSHPublicKeys"} {
		if strings.HasSuffix(op, what) && !strings.Contains(op, "Virtual") {
			return true
		}
	}
	return op == "GetUser" || op == "ListAccessKeys" || op == "ChangePassword"
}

func pathOf(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// namedEntity finds where a name points, with its path and tags; a name that
// points nowhere yet is judged by the path it would get.
func namedEntity(ctx context.Context, tx *store.Tx, account arn.AccountID, kind, name, path string) (target, error) {
	var owner identity.Owner
	var found arn.ARN
	var err error
	switch kind {
	case "user":
		var u identity.User
		u, err = identity.UserByName(ctx, tx, account, name)
		owner, found = u.Owner(), u.ARN()
	case "role":
		var r identity.Role
		r, err = identity.RoleByName(ctx, tx, account, name)
		owner, found = r.Owner(), r.ARN()
	case "group":
		var g identity.Group
		g, err = identity.GroupByName(ctx, tx, account, name)
		owner, found = g.Owner(), g.ARN()
	case "instance-profile":
		var p identity.InstanceProfile
		p, err = identity.ProfileByName(ctx, tx, account, name)
		owner, found = p.Owner(), p.ARN()
	}
	if errors.Is(err, store.ErrNotFound) {
		return target{arn: arn.New("iam", "", account, kind+pathOf(path)+name)}, nil
	}
	if err != nil {
		return target{}, err
	}
	tags, err := identity.Tags(ctx, tx, owner)
	return target{arn: found, keys: resourceTags(tags)}, err
}

// provider is an identity provider with its tags, if it exists.
func provider(ctx context.Context, tx *store.Tx, a arn.ARN) (target, error) {
	parts, err := arn.Parse(a)
	kind, name, _ := strings.Cut(parts.Resource, "/")
	if err != nil {
		return target{arn: a}, nil // which the desk refuses
	}
	p, err := identity.ProviderByName(ctx, tx, parts.Account, identity.ProviderKind(kind), name)
	if errors.Is(err, store.ErrNotFound) {
		return target{arn: a}, nil
	}
	if err != nil {
		return target{}, err
	}
	tags, err := identity.Tags(ctx, tx, p.Owner())
	return target{arn: a, keys: resourceTags(tags)}, err
}

func resourceTags(tags []identity.Tag) map[string][]string {
	keys := map[string][]string{}
	for _, t := range tags {
		keys["aws:ResourceTag/"+t.Name] = []string{t.Value}
		keys["iam:ResourceTag/"+t.Name] = []string{t.Value}
	}
	return keys
}

// stsTargets is the role to assume, with its trust policy, or whom a session is
// for.
func (d *Desk) stsTargets(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) ([]target, error) {
	switch op.Name {
	case "AssumeRole", "AssumeRoleWithWebIdentity":
	case "GetFederationToken":
		return []target{{arn: iam.FederatedARN(call.Account(), field(in, "Name"))}}, nil
	case "AssumeRoot":
		return []target{{arn: rootOf(field(in, "TargetPrincipal")), terse: true}}, nil
	default:
		return []target{{arn: everything}}, nil
	}
	t := target{arn: arn.ARN(field(in, "RoleArn")), terse: true}
	err := d.config.Store.View(ctx, func(tx *store.Tx) error {
		r, err := roleToAssume(ctx, tx, t.arn)
		if errors.Is(err, store.ErrNotFound) {
			t.missing = true
			return nil
		}
		if err != nil {
			return err
		}
		t.account = r.Account
		tags, err := identity.Tags(ctx, tx, r.Owner())
		if err != nil {
			return err
		}
		t.keys = resourceTags(tags)
		t.stranger = stranger(call.Principal, r.Trusted)
		if t.policy, err = policy.Parse(r.Trust, policy.Trust); err != nil {
			return fmt.Errorf("trust policy of %s: %w", r.ARN(), err)
		}
		return nil
	})
	return []target{t}, err
}

// stranger reports whether a caller only has a name that a trust policy gives
// to somebody who had it before.
func stranger(who arn.Principal, trusted map[string]string) bool {
	for _, name := range []arn.ARN{who.ARN, who.RoleARN} {
		if id, ok := trusted[string(name)]; ok && id != iam.OwnerOf(who) {
			return true
		}
	}
	return false
}

// rootOf is the root user of an account given by its id or already so.
func rootOf(target string) arn.ARN {
	if id := arn.AccountID(target); id.Valid() {
		return id.Root()
	}
	return arn.ARN(target)
}

// roleToAssume finds a role by its full ARN in an account that may act. A
// service-linked role is its service's alone.
func roleToAssume(ctx context.Context, tx *store.Tx, a arn.ARN) (identity.Role, error) {
	parts, err := arn.Parse(a)
	if err != nil || parts.Service != "iam" {
		return identity.Role{}, store.ErrNotFound
	}
	r, err := identity.RoleByName(ctx, tx, parts.Account, parts.Resource[strings.LastIndexByte(parts.Resource, '/')+1:])
	if err != nil {
		return r, err
	}
	account, err := directory.LookupAccount(ctx, tx, parts.Account)
	if err != nil {
		return r, err
	}
	if r.ARN() != a || account.State != directory.Active && account.State != directory.PendingActivation {
		return r, store.ErrNotFound
	}
	return r, nil
}
