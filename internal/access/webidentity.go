package access

import (
	"context"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/policy"
)

// withWebIdentity is the action of whom a token, not a signature, identifies.
const withWebIdentity = "sts:AssumeRoleWithWebIdentity"

// judgeToken decides for the holder of an identity provider's token. Nobody has
// signed: the trust policy of the role alone allows, and service control
// policies are about the role's session only.
func (d *Desk) judgeToken(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error {
	refused := refusalOf(op.Service)("Not authorized to perform " + withWebIdentity)
	targets, err := d.stsTargets(ctx, call, op, in)
	if err != nil {
		return err
	}
	t := targets[0]
	if t.missing {
		return refused
	}
	token, provider, err := d.config.WebIdentity(ctx, t.account, field(in, "WebIdentityToken"), call.Time)
	if err != nil {
		return err
	}
	tags, _, err := token.Tags()
	if err != nil {
		return err
	}
	c := policy.Context{}
	describe(c, call)
	c.Set("aws:FederatedProvider", string(provider))
	c.Set("sts:RoleSessionName", field(in, "RoleSessionName"))
	c.SetNonEmpty("sts:SourceIdentity", token.SourceIdentity())
	for _, keys := range []map[string][]string{token.Keys(), t.keys} {
		for key, values := range keys {
			c.Set(key, values...)
		}
	}
	var names []string
	for name, value := range tags {
		c.Set("aws:RequestTag/"+name, value)
		names = append(names, name)
	}
	c.Set("aws:TagKeys", names...)
	needed := []string{withWebIdentity}
	if len(tags) > 0 {
		needed = append(needed, "sts:TagSession")
	}
	if token.SourceIdentity() != "" {
		needed = append(needed, "sts:SetSourceIdentity")
	}
	policies := policy.Policies{Resource: t.policy, ResourceAccount: t.account}
	who := arn.Principal{Kind: arn.WebIdentity, Account: t.account, ARN: provider}
	for _, action := range needed {
		if !policies.Evaluate(policy.Request{Principal: who, Action: action, Resource: string(t.arn), Context: c}).Allowed {
			return refused
		}
	}
	return nil
}
