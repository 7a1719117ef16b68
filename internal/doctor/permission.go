package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
)

// permissions asks, for every command that is the caller's to run, whether its
// policies permit it, and puts what is missing before the problem that the
// command mends.
func (d *diagnosis) permissions(ctx context.Context) (err error) {
	if d.service.config.Access == nil {
		return nil
	}
	if d.problems, err = d.permitted(ctx, d.problems, d.call.Region); err != nil {
		return err
	}
	for i := range d.regions {
		r := &d.regions[i]
		if r.problems, err = d.permitted(ctx, r.problems, r.region); err != nil {
			return err
		}
	}
	return nil
}

func (d *diagnosis) permitted(ctx context.Context, list []problem, region arn.Region) ([]problem, error) {
	var with []problem
	for _, p := range list {
		missing, why, err := d.missing(ctx, p, region)
		if err != nil {
			return nil, err
		}
		if len(missing) > 0 {
			with = append(with, d.unpermitted(p, missing, why))
		}
		with = append(with, p)
	}
	return with, nil
}

// missing are the actions that the caller lacks for a problem's first command,
// if that is the caller's, with the first refusal.
func (d *diagnosis) missing(ctx context.Context, p problem, region arn.Region) (actions []string, why string, err error) {
	if len(p.remedies) == 0 || p.remedies[0].account != d.call.Account() {
		return nil, "", nil
	}
	there := *d.call
	there.Region = region
	for _, n := range p.remedies[0].needs {
		err := d.service.config.Access.Permit(ctx, &there, n.action, n.resource, n.keys)
		if err == nil {
			continue
		}
		refusal, ok := errors.AsType[awsmodel.Error](err)
		if !ok {
			return nil, "", err
		}
		if why == "" {
			why = strings.TrimPrefix(refusal.Error(), refusal.ErrorCode()+": ")
		}
		if !slices.Contains(actions, n.action) {
			actions = append(actions, n.action)
		}
	}
	return actions, why, nil
}

// unpermitted is the problem that the caller may not mend another one. What a
// policy denies outright no other policy can permit.
func (d *diagnosis) unpermitted(p problem, actions []string, why string) problem {
	lack := problem{
		code: muster.ProblemCodeCallerLacksPermission, severity: muster.SeverityError,
		text: fmt.Sprintf("%s may not do what the next step takes (%s): %s.", d.call.Principal.ARN, strings.Join(actions, ", "), strings.TrimSuffix(why, ".")),
	}
	if strings.Contains(why, "explicit deny") || strings.Contains(why, "service control policy") || strings.Contains(why, "boundary") {
		lack.text += " Another principal has to do it, or that policy has to change."
		return lack
	}
	if command := grant(d.call.Principal, p.code, actions); command != "" {
		lack.text += " An administrator of the account permits it so:"
		lack.remedies = []remedy{{role: muster.RemedyRoleAccount, account: d.call.Account(), command: command}}
	}
	return lack
}
