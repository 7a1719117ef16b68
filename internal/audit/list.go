package audit

import (
	"context"
	"errors"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector/desk"
	"muster/internal/store"
	"muster/internal/store/audit"
	"muster/internal/store/directory"
)

// pageSize is the most events of one page, and the default.
const pageSize = 100

// asked is what a page token of ListAuditEvents is bound to.
type asked muster.ListAuditEventsInput

// ListAuditEvents tells what callers changed, or tried to, the newest first: the
// caller's own account, and for the management account those of its
// organization.
func (s *Service) ListAuditEvents(ctx context.Context, call *awsmodel.Call, in *muster.ListAuditEventsInput) (*muster.ListAuditEventsOutput, error) {
	const op = "ListAuditEvents"
	bound := asked(*in)
	bound.NextToken, bound.MaxResults = nil, nil
	q := query(in)
	var err error
	if q.Before, err = desk.After(s.config.Pages, call, op, bound, in.NextToken); err != nil {
		return nil, err
	}
	return store.Read(ctx, s.config.Store, func(tx *store.Tx) (*muster.ListAuditEventsOutput, error) {
		if err := permit(ctx, tx, call, in, &q); err != nil {
			return nil, err
		}
		list, next, err := audit.List(ctx, tx, q)
		out := &muster.ListAuditEventsOutput{Events: []muster.AuditEvent{}}
		for i := range list {
			out.Events = append(out.Events, wire(&list[i]))
		}
		if next != "" {
			out.NextToken = new(s.config.Pages.Seal(call, op, bound, []byte(next)))
		}
		return out, err
	})
}

func query(in *muster.ListAuditEventsInput) audit.Query {
	q := audit.Query{
		Region: arn.Region(value(in.Region)), Principal: arn.ARN(value(in.Principal)), Service: value(in.Service), Operation: value(in.Operation),
		Resource: value(in.Resource), ErrorCode: value(in.ErrorCode), Request: value(in.RequestId), Outcome: string(in.Outcome), Limit: desk.Size(in.MaxResults, pageSize, pageSize),
	}
	q.Start, q.End = moment(in.StartTime), moment(in.EndTime)
	return q
}

// permit decides whose events the caller reads.
func permit(ctx context.Context, tx *store.Tx, call *awsmodel.Call, in *muster.ListAuditEventsInput, q *audit.Query) error {
	q.Account = call.Account()
	whole := in.Organization != nil && *in.Organization
	foreign := in.AccountId != nil && *in.AccountId != string(call.Account())
	if !whole && !foreign {
		return nil
	}
	o, err := directory.OrganizationOf(ctx, tx, call.Account())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err != nil || o.Management != call.Account() {
		return &muster.AccessDeniedException{Message: "Only the management account reads what other accounts of its organization did."}
	}
	if !foreign {
		if in.AccountId == nil {
			q.Organization = o.ID
		}
		return nil
	}
	of, err := directory.OrganizationOf(ctx, tx, arn.AccountID(*in.AccountId))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err != nil || of.ID != o.ID {
		return &muster.AccessDeniedException{Message: "The account " + *in.AccountId + " is not one of the organization."}
	}
	q.Account = arn.AccountID(*in.AccountId)
	return nil
}

func wire(e *audit.Event) muster.AuditEvent {
	out := muster.AuditEvent{
		EventId: e.ID, Time: e.Time, AccountId: string(e.Account), Region: string(e.Region), PrincipalArn: string(e.Principal), PrincipalType: e.PrincipalType,
		Service: e.Service, Operation: e.Operation, Resources: e.Resources, Outcome: muster.AuditOutcomeSuccess, SourceIpAddress: e.SourceIP,
		RequestId: e.Request, ErrorCode: optional(e.ErrorCode), ErrorMessage: optional(e.Error), UserAgent: optional(e.UserAgent),
		RequestParameters: optional(e.Parameters),
	}
	if e.ErrorCode != "" {
		out.Outcome = muster.AuditOutcomeFailure
	}
	return out
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// optional is a member that is absent when empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
