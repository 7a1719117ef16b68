// Package access is the one place that decides whether a caller may do what it
// asks: first by IAM's policies, then by the place of its account (management,
// delegated administrator, member), for which the desks supply the rules. The
// doors ask it before any operation runs.
package access

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"muster/internal/access/throttle"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/iam"
	"muster/internal/policy"
	"muster/internal/store"
	"muster/internal/webidentity"
)

// Relation is a service's rule about the caller's account: nil, or the
// service's own refusal.
type Relation func(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error

// Controls returns the service control policies that bear on an account, by
// level (root, each unit, account); nil when none do.
type Controls func(ctx context.Context, account arn.AccountID) ([][]*policy.Document, error)

// Config are the desk's parts.
type Config struct {
	// Store resolves names to resources; required.
	Store *store.Store
	// Keys knows what callers carry; required.
	Keys *iam.Keys
	// Relations are the services' rules by signing name.
	Relations map[string]Relation
	// InspectorTags returns the tags of one of Inspector's resources by its
	// ARN, none when there is no such resource; nil means none ever.
	InspectorTags func(ctx context.Context, resource arn.ARN) (map[string]string, error)
	// Controls are the organizations' policies; nil means none.
	Controls Controls
	// WebIdentity verifies a token of an identity provider that an account
	// trusts, and returns it with the provider's ARN; nil means that no tokens
	// are taken.
	WebIdentity func(ctx context.Context, account arn.AccountID, token string, now time.Time) (webidentity.Token, arn.ARN, error)
	// Throttle refuses callers that are too quick; nil means that none are.
	Throttle *throttle.Limiter
	// Permissive leaves out every policy, so that only Relations decide: an
	// emulator's switch.
	Permissive bool
}

// Desk decides. It is safe for concurrent use.
type Desk struct{ config Config }

// New returns the desk.
func New(c Config) *Desk { return &Desk{c} }

// Authorize decides whether the caller may run an operation with an input. It
// returns nil, a refusal, or another error where it could not find out.
func (d *Desk) Authorize(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error {
	d.config.Keys.Used(call.Principal, call.Region, op.Service, call.Time)
	if d.config.Throttle != nil && !call.Principal.IsZero() {
		if err := d.config.Throttle.Check(call, op); err != nil {
			return err
		}
	}
	if err := d.judge(ctx, call, op, in); err != nil {
		return err
	}
	if relation := d.config.Relations[op.Service]; relation != nil {
		return relation(ctx, call, op, in)
	}
	return nil
}

// always reports whether IAM never refuses an operation: who one is may always
// be asked, and a session of one's own grants nothing new.
func always(op *awsmodel.Operation) bool {
	return op.Service == "sts" && (op.Name == "GetCallerIdentity" || op.Name == "GetSessionToken")
}

func (d *Desk) judge(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error {
	refuse := refusalOf(op.Service)
	if op.Action() == withWebIdentity && d.config.WebIdentity != nil {
		// A signature there may be is as good as none, as in AWS.
		return d.judgeToken(ctx, call, op, in)
	}
	if call.Principal.IsZero() {
		return refuse("Anonymous callers are not authorized to perform: " + op.Action())
	}
	bearer, err := d.bearer(ctx, call)
	if err != nil {
		return lost(err, refuse)
	}
	if always(op) || d.config.Permissive {
		return nil
	}
	if err := limits(call, op); err != nil {
		return err
	}
	targets, err := d.targets(ctx, call, op, bearer, in)
	if err != nil {
		return fmt.Errorf("resource of %s: %w", op.Action(), err)
	}
	needed, keys := append(actions(op, in), sessionActions(call, op, in)...), keysOf(in)
	for _, t := range targets {
		for _, action := range needed {
			decision := d.decide(call, bearer, action, t, keys)
			if !decision.Allowed {
				return d.denial(refuse(t.refusal(call.Principal, action, decision)), call, bearer, action, t, keys)
			}
		}
	}
	return nil
}

// actions are what an operation needs: itself, and tagging for a creation or
// invitation with tags.
func actions(op *awsmodel.Operation, in any) []string {
	list := []string{op.Action()}
	creates := strings.HasPrefix(op.Name, "Create") || strings.HasPrefix(op.Name, "Invite") || op.Name == "PutResourcePolicy"
	if creates && len(tagsOf(in)) > 0 {
		list = append(list, op.Service+":"+tagAction(op))
	}
	return list
}

func tagAction(op *awsmodel.Operation) string {
	if op.Service == "iam" {
		return "Tag" + strings.TrimPrefix(op.Name, "Create")
	}
	return "TagResource"
}

// Permit checks one further action that an operation needs, with the condition
// keys that describe it. Desks call it from within their operations.
func (d *Desk) Permit(ctx context.Context, call *awsmodel.Call, action string, resource arn.ARN, keys map[string][]string) error {
	bearer, err := d.bearer(ctx, call)
	if err != nil {
		return lost(err, refusalOf(""))
	}
	if d.config.Permissive {
		return nil
	}
	t := target{arn: resource}
	if decision := d.decide(call, bearer, action, t, keys); !decision.Allowed {
		return d.denial(refusalOf("")(t.refusal(call.Principal, action, decision)), call, bearer, action, t, keys)
	}
	return nil
}

// lost refuses callers whose user, role or account has gone, or rests, since
// they signed.
func lost(err error, refuse func(string) error) error {
	if errors.Is(err, errUnusable) || errors.Is(err, store.ErrNotFound) {
		return refuse("The security token included in the request is invalid.")
	}
	return err
}

// errUnusable: the caller's account is suspended or closed.
var errUnusable = errors.New("account is not usable")

// bearer is what the caller carries, in an account that may act.
func (d *Desk) bearer(ctx context.Context, call *awsmodel.Call) (iam.Bearer, error) {
	b, err := d.config.Keys.Bearer(ctx, call.Principal)
	if err == nil && !b.Usable {
		err = errUnusable
	}
	if err == nil && d.config.Controls != nil && !serviceLinked(call.Principal) {
		b.Policies.Control, err = d.config.Controls(ctx, call.Account())
	}
	if err != nil {
		return b, fmt.Errorf("policies of %s: %w", call.Principal.ARN, err)
	}
	return b, nil
}

// serviceLinked reports whether a caller is a service in its own role, which no
// service control policy restricts.
func serviceLinked(p arn.Principal) bool {
	return strings.Contains(string(p.RoleARN), ":role/aws-service-role/")
}

// decide evaluates one action on one resource.
func (d *Desk) decide(call *awsmodel.Call, b iam.Bearer, action string, t target, keys map[string][]string) policy.Decision {
	if t.missing {
		return policy.Decision{Layer: policy.ResourceLayer}
	}
	policies, request := question(call, b, action, t, keys)
	return policies.Evaluate(request)
}

// question is what the evaluator is asked about one action on one resource.
func question(call *awsmodel.Call, b iam.Bearer, action string, t target, keys map[string][]string) (policy.Policies, policy.Request) {
	policies := b.Policies
	policies.Resource, policies.ResourceAccount = t.policy, t.account
	c := maps.Clone(b.Context) // another target's tags are not this one's
	describe(c, call)
	for key, values := range keys {
		c.Set(key, values...)
	}
	for key, values := range t.keys {
		c.Set(key, values...)
	}
	who := call.Principal
	if t.stranger {
		who.ARN, who.RoleARN = "", "" // its account may be meant, it is not
	}
	return policies, policy.Request{Principal: who, Action: action, Resource: string(t.arn), Context: c}
}

// describe adds the condition keys that describe the request itself.
func describe(c policy.Context, call *awsmodel.Call) {
	c.SetNonEmpty("aws:SourceIp", call.SourceIP)
	c.SetNonEmpty("aws:UserAgent", call.UserAgent)
	c.SetNonEmpty("aws:RequestedRegion", string(call.Region))
	c.Set("aws:SecureTransport", fmt.Sprint(call.Secure))
	c.Set("aws:ViaAWSService", "false")
	if s := call.Principal.Session; s != nil && s.Factor {
		c.Set("aws:MultiFactorAuthAge", fmt.Sprint(int64(call.Time.Sub(s.IssuedAt).Seconds())))
	}
	c.Set("aws:CurrentTime", call.Time.UTC().Format(time.RFC3339))
	c.Set("aws:EpochTime", fmt.Sprint(call.Time.Unix()))
}
