// Package doctor is the desk for diagnosis: it names, per Region, the missing
// step in the set-up of an organization for Inspector, and the exact command
// of the AWS CLI that mends it, with the account that has to run it.
//
// It reads, and asks the access desk whether the caller could run the commands
// that are the caller's; it changes nothing. The management account and the
// delegated administrator may ask about their organization; an account that
// stands alone gets a diagnosis of itself.
package doctor

import (
	"context"
	"errors"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/store"
	"muster/internal/store/activation"
)

// Pager seals the place where a page ended into a token for the client, and
// opens it again for the same caller, operation and query only.
// *pagetoken.Sealer is one.
type Pager interface {
	Seal(call *awsmodel.Call, op string, query any, cursor []byte) string
	Open(call *awsmodel.Call, op string, query any, token string) ([]byte, error)
}

// Access answers whether a caller's policies permit an action.
type Access interface {
	Permit(ctx context.Context, call *awsmodel.Call, action string, resource arn.ARN, keys map[string][]string) error
}

// Config are the desk's parts and settings.
type Config struct {
	Store *store.Store
	Pages Pager
	// Access checks permissions; nil permits everything.
	Access Access
	// Regions are the Regions of the installation.
	Regions []arn.Region
	// MemberLimit is how many members an administrator may have in a Region;
	// 0 means AWS's 10,000. AccountLimit is how many accounts an
	// organization may have; 0 means that it is not looked at.
	MemberLimit, AccountLimit int
	// Patience is how long a transition may last before it counts as stuck;
	// 0 means five minutes.
	Patience time.Duration
	// AdvisoriesOptional makes missing advisories no problem: an emulator
	// scans nothing.
	AdvisoriesOptional bool
}

// Service is the desk. It is safe for concurrent use.
type Service struct{ config Config }

// New returns the desk.
func New(c Config) *Service {
	if c.MemberLimit == 0 {
		c.MemberLimit = 10_000
	}
	if c.Patience == 0 {
		c.Patience = 5 * time.Minute
	}
	return &Service{c}
}

// AddHandlers adds the desk's operation to those of our own service.
func (s *Service) AddHandlers(h *muster.Handlers) { h.DiagnoseOrganization = s.DiagnoseOrganization }

// pageSize is the most Regions of one page, and the default.
const pageSize = 25

// query is what a token of DiagnoseOrganization is bound to.
type query struct {
	Regions       []string
	All           bool
	Types         []muster.ResourceType
	Administrator string
}

// DiagnoseOrganization tells what is missing: for the organization as a whole,
// on the first page, and for each Region.
func (s *Service) DiagnoseOrganization(ctx context.Context, call *awsmodel.Call, in *muster.DiagnoseOrganizationInput) (*muster.DiagnoseOrganizationOutput, error) {
	const op = "DiagnoseOrganization"
	q := query{Regions: in.Regions, All: in.AllRegions != nil && *in.AllRegions, Types: in.ResourceTypes}
	if in.DelegatedAdminAccountId != nil {
		q.Administrator = *in.DelegatedAdminAccountId
	}
	if err := s.known(q); err != nil {
		return nil, err
	}
	after, err := s.openToken(call, op, q, in.NextToken)
	if err != nil {
		return nil, err
	}
	size := pageSize
	if in.MaxResults != nil {
		size = min(max(int(*in.MaxResults), 1), 100)
	}
	var d *diagnosis
	var more bool
	err = s.config.Store.View(ctx, func(tx *store.Tx) error {
		d = &diagnosis{service: s, tx: tx, call: call, query: q}
		regions, err := d.begin(ctx)
		if err != nil {
			return err
		}
		regions = slices.DeleteFunc(regions, func(r arn.Region) bool { return r <= after })
		if more = len(regions) > size; more {
			regions = regions[:size]
		}
		return d.examine(ctx, regions, after == "")
	})
	if err != nil {
		return nil, err
	}
	if err := d.permissions(ctx); err != nil {
		return nil, err
	}
	out := d.show()
	if more {
		out.NextToken = new(s.config.Pages.Seal(call, op, q, []byte(d.regions[len(d.regions)-1].region)))
	}
	return out, nil
}

// known refuses Regions that the installation does not have.
func (s *Service) known(q query) error {
	if q.All && len(q.Regions) > 0 {
		return invalid("Give regions or allRegions, not both.")
	}
	for _, name := range q.Regions {
		if !slices.Contains(s.config.Regions, arn.Region(name)) {
			return invalidField("regions", "Region "+name+" is not one of this installation.")
		}
	}
	return nil
}

func (s *Service) openToken(call *awsmodel.Call, op string, q query, token *string) (arn.Region, error) {
	if token == nil || *token == "" {
		return "", nil
	}
	cursor, err := s.config.Pages.Open(call, op, q, *token)
	if err != nil || len(cursor) == 0 {
		return "", invalidField("nextToken", "The nextToken is not valid for this request.")
	}
	return arn.Region(cursor), nil
}

// types are the scan types asked for, in AWS's order, with what they need.
func (q query) types() []activation.ScanType {
	var list []activation.ScanType
	for _, t := range activation.ScanTypes() {
		if slices.Contains(q.Types, muster.ResourceType(t)) ||
			t == activation.Lambda && slices.Contains(q.Types, muster.ResourceTypeLambdaCode) {
			list = append(list, t)
		}
	}
	return list
}

func invalid(message string) error {
	return &muster.ValidationException{Message: message, Reason: muster.ValidationExceptionReasonOther}
}

func invalidField(name, message string) error {
	return &muster.ValidationException{
		Message: message, Reason: muster.ValidationExceptionReasonFieldValidationFailed,
		Fields: []muster.ValidationExceptionField{{Name: name, Message: message}},
	}
}

// ignore is err, or nil when it is the one that does not matter.
func ignore(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}
