package inspector

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/iam"
	"muster/internal/inspector/relation"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
)

// AssociateMember makes an account of the organization a member of the calling
// delegated administrator in the Region. It switches nothing on.
func (s *Service) AssociateMember(ctx context.Context, call *awsmodel.Call, in *inspector2.AssociateMemberInput) (*inspector2.AssociateMemberOutput, error) {
	return Update(ctx, s, call, "AssociateMember", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.AssociateMemberOutput, error) {
		m, err := s.associable(ctx, tx, standing, arn.AccountID(in.AccountId))
		if err != nil {
			return nil, err
		}
		return &inspector2.AssociateMemberOutput{AccountId: in.AccountId}, s.associate(ctx, tx, m, call.Time)
	})
}

// associable checks that an account may become a member.
func (s *Service) associable(ctx context.Context, tx *store.Tx, standing relation.Standing, account arn.AccountID) (activation.Member, error) {
	m := activation.Member{Administrator: standing.Account, Region: standing.Region, Account: account}
	if account == standing.Account {
		return m, alreadyMember()
	}
	had, err := activation.LookupMember(ctx, tx, m.Administrator, m.Region, account)
	if err := ignore(err, store.ErrNotFound); err != nil {
		return m, err
	}
	if had.Relationship.Associated() {
		return m, alreadyMember()
	}
	target, err := organizations.AccountIn(ctx, tx, standing.Organization, account)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return m, invalid("Account %s is not an account of the organization.", account)
	case err != nil:
		return m, err
	case target.State != directory.Active:
		return m, invalid("Account %s is not active.", account)
	}
	full, err := s.Full(ctx, tx, m.Administrator, m.Region)
	if err == nil && full {
		err = &inspector2.ServiceQuotaExceededException{
			Message: "The delegated admin account has as many member accounts as it may have.", ResourceId: string(account),
		}
	}
	return m, err
}

// Full reports whether an administrator has all the members it may have.
func (s *Service) Full(ctx context.Context, tx *store.Tx, administrator arn.AccountID, region arn.Region) (bool, error) {
	n, err := activation.CountMembers(ctx, tx, administrator, region)
	return n >= s.config.MemberLimit, err
}

// associate begins a relationship. The administrator's rules apply at once;
// the setting up is ended by a job.
func (s *Service) associate(ctx context.Context, tx *store.Tx, m activation.Member, now time.Time) error {
	// Setting up ends a certain time after UpdatedAt, so that a tester's delay
	// goes there.
	m.Relationship, m.UpdatedAt = activation.SettingUp, now.Add(s.delay(stateCreated, m.Account, m.Region))
	closed, err := activation.Closed(ctx, tx, m.Account, m.Region)
	if err != nil {
		return err
	}
	if closed {
		m.Relationship = activation.RegionDisabled
	}
	if err := activation.PutMember(ctx, tx, m); err != nil {
		return err
	}
	if err := iam.EnsureServiceLinkedRole(ctx, tx, m.Account, organizations.InspectorPrincipal, now); err != nil {
		return err
	}
	if err := s.enqueueSetup(ctx, tx, m.Administrator, m.Region, now.Add(s.lasts(stateCreated))); err != nil {
		return err
	}
	return EnqueueResuppress(ctx, tx, m.Account, m.Region)
}

// DisassociateMember ends a relationship. The account goes on scanning alone,
// with the settings that applied to it.
func (s *Service) DisassociateMember(ctx context.Context, call *awsmodel.Call, in *inspector2.DisassociateMemberInput) (*inspector2.DisassociateMemberOutput, error) {
	return Update(ctx, s, call, "DisassociateMember", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.DisassociateMemberOutput, error) {
		m, err := activation.LookupMember(ctx, tx, standing.Account, call.Region, arn.AccountID(in.AccountId))
		if errors.Is(err, store.ErrNotFound) || err == nil && !m.Relationship.Associated() {
			return nil, notAMember()
		}
		if err == nil {
			err = refuseCovered(ctx, tx, m)
		}
		if err != nil {
			return nil, err
		}
		return &inspector2.DisassociateMemberOutput{AccountId: in.AccountId},
			s.end(ctx, tx, m, activation.Removed, call.Time)
	})
}

// end ends a relationship in a state that is not associated.
func (s *Service) end(ctx context.Context, tx *store.Tx, m activation.Member, as activation.Relationship, now time.Time) error {
	if err := s.release(ctx, tx, m); err != nil {
		return err
	}
	if err := s.offerPlace(ctx, tx, m, now); err != nil {
		return err
	}
	m.Relationship, m.UpdatedAt = as, now
	return activation.PutMember(ctx, tx, m)
}

// release does what ends with a relationship: the administrator's scan
// configuration stays behind as the member's own, its rules stop applying.
func (s *Service) release(ctx context.Context, tx *store.Tx, m activation.Member) error {
	if !m.Relationship.Associated() {
		return nil
	}
	if err := inheritConfiguration(ctx, tx, m); err != nil {
		return err
	}
	return EnqueueResuppress(ctx, tx, m.Account, m.Region)
}

// inheritConfiguration leaves a member with the scan configuration of its
// administrator.
func inheritConfiguration(ctx context.Context, tx *store.Tx, m activation.Member) error {
	c, err := activation.LookupConfiguration(ctx, tx, m.Administrator, m.Region)
	switch {
	case err == nil:
		return activation.PutConfiguration(ctx, tx, m.Account, m.Region, c)
	case ignore(err, store.ErrNotFound) == nil:
		// The administrator's is AWS's default.
		return activation.DeleteConfiguration(ctx, tx, m.Account, m.Region)
	}
	return err
}

// GetMember returns a relationship, ended ones included.
func (s *Service) GetMember(ctx context.Context, call *awsmodel.Call, in *inspector2.GetMemberInput) (*inspector2.GetMemberOutput, error) {
	return View(ctx, s, call, "GetMember", in, func(tx *store.Tx, standing relation.Standing) (*inspector2.GetMemberOutput, error) {
		m, err := activation.LookupMember(ctx, tx, standing.Account, call.Region, arn.AccountID(in.AccountId))
		if errors.Is(err, store.ErrNotFound) {
			return nil, notFound("Account %s is not a member of the current account.", in.AccountId)
		}
		return &inspector2.GetMemberOutput{Member: new(showMember(m))}, err
	})
}

func showMember(m activation.Member) inspector2.Member {
	shown := inspector2.Member{
		AccountId: new(string(m.Account)), DelegatedAdminAccountId: new(string(m.Administrator)),
		RelationshipStatus: inspector2.RelationshipStatus(m.Relationship),
	}
	if !m.UpdatedAt.IsZero() {
		shown.UpdatedAt = new(m.UpdatedAt)
	}
	return shown
}

// ListMembers lists the associated members by id, or all accounts of the
// organization beside the administrator: those never associated count as
// REMOVED, those that left as DELETED.
func (s *Service) ListMembers(ctx context.Context, call *awsmodel.Call, in *inspector2.ListMembersInput) (*inspector2.ListMembersOutput, error) {
	const op, most = "ListMembers", 50
	only := in.OnlyAssociated == nil || *in.OnlyAssociated
	return View(ctx, s, call, op, in, func(tx *store.Tx, standing relation.Standing) (*inspector2.ListMembersOutput, error) {
		p, err := s.OpenPage(call, op, only, in.NextToken, in.MaxResults, most)
		if err != nil {
			return nil, err
		}
		list, err := relations(ctx, tx, standing, only, arn.AccountID(p.After), p.Size+1)
		if err != nil {
			return nil, err
		}
		out := &inspector2.ListMembersOutput{Members: []inspector2.Member{}}
		for i, m := range list {
			if i == p.Size {
				out.NextToken = p.Next(string(list[i-1].Account))
				break
			}
			out.Members = append(out.Members, showMember(m))
		}
		return out, nil
	})
}

// relations are the associated members only, or the accounts of the organization
// merged with the relationships, which include accounts that have left.
func relations(ctx context.Context, tx *store.Tx, standing relation.Standing, only bool, after arn.AccountID, limit int) ([]activation.Member, error) {
	if only {
		return activation.MembersPage(ctx, tx, standing.Account, standing.Region, after, limit)
	}
	merged, err := activation.RelationsPage(ctx, tx, standing.Account, standing.Region, after, limit)
	if err != nil {
		return nil, err
	}
	related := map[arn.AccountID]bool{standing.Account: true}
	for _, m := range merged {
		related[m.Account] = true
	}
	// One more, because the administrator itself is passed over.
	accounts, err := directory.Members(ctx, tx, standing.Organization, after, limit+1)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		if !related[a.ID] {
			merged = append(merged, activation.Member{
				Administrator: standing.Account, Region: standing.Region, Account: a.ID, Relationship: activation.Removed,
			})
		}
	}
	slices.SortFunc(merged, func(a, b activation.Member) int { return cmp.Compare(a.Account, b.Account) })
	return merged[:min(limit, len(merged))], nil
}
