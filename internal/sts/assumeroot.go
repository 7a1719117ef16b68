package sts

import (
	"context"
	"fmt"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/sts"
	"muster/internal/iam"
	"muster/internal/iam/rootaccess"
	"muster/internal/store"
)

// taskSession is how long a root session lasts at most, and by default.
const taskSession = 15 * time.Minute

// AssumeRoot lets an organization's management account, or its administrator
// for IAM, do one task as the root user of a member.
func (s *Service) AssumeRoot(ctx context.Context, call *awsmodel.Call, in *api.AssumeRootInput) (*api.AssumeRootOutput, error) {
	target, ok := rootAccount(in.TargetPrincipal)
	if !ok {
		return nil, invalid("The target principal " + in.TargetPrincipal + " is neither an account id nor the ARN of a root user.")
	}
	task, err := s.task(in.TaskPolicyArn)
	if err != nil {
		return nil, err
	}
	refusal := denied(fmt.Sprintf("User: %s is not authorized to perform: sts:AssumeRoot on resource: %s", call.Principal.ARN, target.Root()))
	if call.Principal.Kind != arn.User && call.Principal.Kind != arn.AssumedRole {
		return nil, refusal
	}
	may := false
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		may, err = rootaccess.May(ctx, tx, call.Account(), target, task.Name)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !may {
		return nil, refusal
	}
	session := iam.Session{Account: target, Policy: task.Document, Session: arn.Session{Origin: arn.FromAssumeRoot, IssuedAt: call.Time}}
	out := &api.AssumeRootOutput{}
	if from := call.Principal.Session; from != nil && from.SourceIdentity != "" {
		session.SourceIdentity, out.SourceIdentity = from.SourceIdentity, new(from.SourceIdentity)
	}
	session.ExpiresAt = call.Time.Add(rootDuration(in.DurationSeconds))
	out.Credentials, err = s.issue(session)
	return out, err
}

// rootDuration takes zero, which the interface allows, as not said.
func rootDuration(seconds *int32) time.Duration {
	if seconds == nil || *seconds == 0 {
		return taskSession
	}
	return time.Duration(*seconds) * time.Second
}

// rootAccount reads an account's id or its root user's ARN.
func rootAccount(text string) (arn.AccountID, bool) {
	id := arn.AccountID(strings.TrimSuffix(strings.TrimPrefix(text, "arn:aws:iam::"), ":root"))
	return id, id.Valid() && (text == string(id) || text == string(id.Root()))
}

// taskPolicy is a policy that a root session may have.
type taskPolicy struct{ Name, Document string }

func (s *Service) task(d *api.PolicyDescriptorType) (taskPolicy, error) {
	text := ""
	if d != nil && d.Arn != nil {
		text = *d.Arn
	}
	name, ok := strings.CutPrefix(text, "arn:aws:iam::aws:policy/root-task/")
	p := s.managed.Get(arn.ARN(text))
	if !ok || p == nil {
		return taskPolicy{}, invalid("The task policy " + text + " is not one of the policies for root tasks.")
	}
	return taskPolicy{name, p.Document}, nil
}
