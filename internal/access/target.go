package access

import (
	"context"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/iam"
	"muster/internal/policy"
)

// target is a resource that an operation acts on.
type target struct {
	arn arn.ARN
	// name is how a denial shows the resource, if not by its ARN.
	name string
	// keys are the condition keys that describe it, such as its tags.
	keys map[string][]string
	// policy is the resource's own policy, where it has one, and account
	// whose resource it is.
	policy  *policy.Document
	account arn.AccountID
	// stranger: the caller is not the one whom the policy means by its name.
	stranger bool
	// missing resources allow nobody; that they are missing is not told.
	missing bool
	// terse denials do not say which policy decided.
	terse bool
}

func (t *target) shown() string {
	if t.name != "" {
		return t.name
	}
	return string(t.arn)
}

// everything is the target of operations without a resource.
const everything arn.ARN = "*"

// targets are the resources of an operation; all must be allowed.
func (d *Desk) targets(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, b iam.Bearer, in any) ([]target, error) {
	switch op.Service {
	case "iam":
		return d.iamTargets(ctx, call, op, in)
	case "sts":
		return d.stsTargets(ctx, call, op, in)
	case "organizations":
		return d.organizationsTargets(ctx, b, in)
	case "inspector2", "inspector-scan":
		return d.inspectorTargets(ctx, call, op, in)
	case "ecr":
		return ecrTargets(call, in), nil
	}
	return []target{{arn: everything}}, nil
}

// inspectorTargets is the resource that an input names, with its tags, else the
// request's path, as AWS shows it in denials.
func (d *Desk) inspectorTargets(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) ([]target, error) {
	named := inspectorResource(op, in)
	if named == "" {
		path, _, _ := strings.Cut(op.Path, "?")
		return []target{{arn: arn.New(op.Service, call.Region, call.Account(), path)}}, nil
	}
	t := target{arn: named, keys: map[string][]string{}}
	if d.config.InspectorTags == nil {
		return []target{t}, nil
	}
	tags, err := d.config.InspectorTags(ctx, named)
	for key, value := range tags {
		t.keys["aws:ResourceTag/"+key] = []string{value}
	}
	return []target{t}, err
}

// inspectorResource is the resource that an input names, or "".
func inspectorResource(op *awsmodel.Operation, in any) arn.ARN {
	members := []string{"ResourceArn", "FilterArn", "ScanConfigurationArn", "IntegrationArn"}
	if op.Name == "DeleteFilter" {
		members = append(members, "Arn")
	}
	for _, name := range members {
		if v := field(in, name); v != "" {
			return arn.ARN(v)
		}
	}
	return ""
}

func ecrTargets(call *awsmodel.Call, in any) []target {
	repository := func(name string) target {
		return target{arn: arn.New("ecr", call.Region, call.Account(), "repository/"+name)}
	}
	if name := field(in, "RepositoryName"); name != "" {
		return []target{repository(name)}
	}
	if v := field(in, "ResourceArn"); v != "" {
		return []target{{arn: arn.ARN(v)}}
	}
	var list []target
	for _, name := range listOf(in, "RepositoryNames") {
		list = append(list, repository(name))
	}
	if list == nil {
		return []target{{arn: everything}}
	}
	return list
}
