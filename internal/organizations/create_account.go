package organizations

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/iam"
	"muster/internal/organizations/refusal"
	"muster/internal/store"
	"muster/internal/store/directory"
)

// accessRole is the role that gives the management account entry into the
// accounts it creates, unless the request names another one.
const accessRole = "OrganizationAccountAccessRole"

// CreateAccount begins the creation of an account and returns its status. What
// can be seen in the request fails at once; the rest is found out by the job.
func (s *Service) CreateAccount(ctx context.Context, call *awsmodel.Call, in *api.CreateAccountInput) (*api.CreateAccountOutput, error) {
	status, err := s.create(ctx, call, "CreateAccount", in, "")
	return &api.CreateAccountOutput{CreateAccountStatus: status}, err
}

// CreateGovCloudAccount begins the creation of a pair of accounts: a member of
// the organization, and its half in the other partition, of which muster keeps
// the id alone.
func (s *Service) CreateGovCloudAccount(ctx context.Context, call *awsmodel.Call, in *api.CreateGovCloudAccountInput) (*api.CreateGovCloudAccountOutput, error) {
	status, err := s.create(ctx, call, "CreateGovCloudAccount", (*api.CreateAccountInput)(in), directory.GovCloudPair)
	return &api.CreateGovCloudAccountOutput{CreateAccountStatus: status}, err
}

func (s *Service) create(ctx context.Context, call *awsmodel.Call, op string, in *api.CreateAccountInput, govcloud string) (*api.CreateAccountStatus, error) {
	return store.Write(ctx, s.store, func(tx *store.Tx) (*api.CreateAccountStatus, error) {
		m, err := s.Admit(ctx, tx, call, op, in)
		if err != nil {
			return nil, err
		}
		r, err := s.request(in)
		if err != nil {
			return nil, err
		}
		if err := s.roomForAccount(ctx, tx, m.Org, call.Time); err != nil {
			return nil, err
		}
		r.Org, r.RequestedAt, r.GovCloud = m.Org, call.Time, govcloud
		if err := s.sameAgain(ctx, tx, &r); err != nil {
			return nil, err
		}
		if err := directory.InsertRequest(ctx, tx, r); err != nil {
			return nil, err
		}
		err = s.later(ctx, tx, createAccountJob, m.Management, call.Time.Add(s.lasts("ACCOUNT_CREATION", m.Management)), string(r.Org), r.ID)
		return new(requestOutput(r)), err
	})
}

// sameAgain dooms a request whose address another one in progress has. It
// fails when its turn comes, as AWS's do.
func (s *Service) sameAgain(ctx context.Context, tx *store.Tx, r *directory.Request) error {
	running, err := directory.RunningRequests(ctx, tx, r.Org, s.limits.Requests)
	if err != nil {
		return err
	}
	for _, other := range running {
		if directory.EmailKey(other.Email) == directory.EmailKey(r.Email) {
			r.FailureReason = string(api.CreateAccountFailureReasonConcurrentAccountModification)
		}
	}
	return nil
}

// request reads a creation's input.
func (s *Service) request(in *api.CreateAccountInput) (directory.Request, error) {
	r := directory.Request{
		ID: newRequestID(), Email: in.Email, Name: in.AccountName, RoleName: accessRole,
		Tags: make(map[string]string, len(in.Tags)), State: directory.InProgress,
	}
	if in.RoleName != nil && *in.RoleName != "" {
		r.RoleName = *in.RoleName
	}
	if strings.HasPrefix(r.RoleName, "AWSServiceRoleFor") {
		return r, invalidRoleName()
	}
	for _, t := range in.Tags {
		r.Tags[t.Key] = t.Value
	}
	return r, s.checkTags(in.Tags)
}

// roomForAccount refuses a creation that the limits forbid.
func (s *Service) roomForAccount(ctx context.Context, tx *store.Tx, org OrganizationID, now time.Time) error {
	room, err := s.HasRoom(ctx, tx, org, true, now)
	if err != nil {
		return err
	}
	if !room {
		return tooManyAccounts()
	}
	running, err := directory.CountRequests(ctx, tx, org, directory.InProgress)
	if err != nil {
		return err
	}
	if running >= s.limits.Requests {
		return requestInProgress()
	}
	return nil
}

func requestOutput(r directory.Request) api.CreateAccountStatus {
	out := api.CreateAccountStatus{
		Id: new(r.ID), AccountName: new(r.Name), State: api.CreateAccountState(r.State),
		RequestedTimestamp: new(r.RequestedAt),
	}
	if r.State == directory.Failed {
		out.FailureReason = api.CreateAccountFailureReason(r.FailureReason)
	}
	if arn.AccountID(r.GovCloud).Valid() {
		out.GovCloudAccountId = new(r.GovCloud)
	}
	if r.Account != "" {
		out.AccountId = new(string(r.Account))
	}
	if !r.CompletedAt.IsZero() {
		out.CompletedTimestamp = new(r.CompletedAt)
	}
	return out
}

// finishCreation is the job behind CreateAccount.
func (s *Service) finishCreation(ctx context.Context, tx *store.Tx, org OrganizationID, id string) error {
	r, err := directory.LookupRequest(ctx, tx, org, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && r.State != directory.InProgress {
		return nil // done before, or the organization is gone
	}
	if err != nil {
		return err
	}
	r.CompletedAt = s.now()
	reason, err := s.obstacle(ctx, tx, r)
	if err != nil {
		return err
	}
	if reason != "" {
		r.State, r.FailureReason = directory.Failed, string(reason)
	} else {
		r.State = directory.Succeeded
		if err := s.createMember(ctx, tx, &r); err != nil {
			return err
		}
	}
	return directory.FinishRequest(ctx, tx, r)
}

// obstacle is why a requested account cannot be made, or empty.
func (s *Service) obstacle(ctx context.Context, tx *store.Tx, r directory.Request) (api.CreateAccountFailureReason, error) {
	if s.faults != nil {
		if reason := s.faults.CreationFailure(r.ID); reason != "" {
			return reason, nil
		}
	}
	if r.FailureReason != "" {
		return api.CreateAccountFailureReason(r.FailureReason), nil
	}
	if !plainAddress(r.Email) {
		return api.CreateAccountFailureReasonInvalidEmail, nil
	}
	_, err := directory.AccountByEmail(ctx, tx, r.Email)
	if err == nil {
		return api.CreateAccountFailureReasonEmailAlreadyExists, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	n, err := directory.CountMembers(ctx, tx, r.Org)
	if err == nil && n >= s.limits.Accounts {
		return api.CreateAccountFailureReasonAccountLimitExceeded, nil
	}
	return "", err
}

// createMember makes the account of a request: in the root, with the role that
// lets the management account in; and the id of its half in GovCloud, where
// one was asked for.
func (s *Service) createMember(ctx context.Context, tx *store.Tx, r *directory.Request) error {
	o, err := directory.LookupOrganization(ctx, tx, r.Org)
	if err != nil {
		return err
	}
	now := r.CompletedAt
	r.Account, err = newAccount(ctx, tx, directory.Account{Email: r.Email, Name: r.Name}, now)
	if err != nil {
		return err
	}
	if r.GovCloud != "" {
		half, err := unusedAccountID(ctx, tx)
		if err != nil {
			return err
		}
		r.GovCloud = string(half)
	}
	if err := iam.CreateAccessRole(ctx, tx, r.Account, o.Management, r.RoleName, now); err != nil {
		return err
	}
	return s.Join(ctx, tx, o, r.Account, directory.Created, r.Tags, now)
}

// DescribeCreateAccountStatus returns how far a creation has come.
func (s *Service) DescribeCreateAccountStatus(ctx context.Context, call *awsmodel.Call, in *api.DescribeCreateAccountStatusInput) (*api.DescribeCreateAccountStatusOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.DescribeCreateAccountStatusOutput, error) {
		m, err := s.Admit(ctx, tx, call, "DescribeCreateAccountStatus", in)
		if err != nil {
			return nil, err
		}
		r, err := directory.LookupRequest(ctx, tx, m.Org, in.CreateAccountRequestId)
		if err != nil {
			return nil, refusal.Missing(err, createStatusNotFound())
		}
		return &api.DescribeCreateAccountStatusOutput{CreateAccountStatus: new(requestOutput(r))}, nil
	})
}

// ListCreateAccountStatus lists creations, oldest first, of the states asked
// for or of all.
func (s *Service) ListCreateAccountStatus(ctx context.Context, call *awsmodel.Call, in *api.ListCreateAccountStatusInput) (*api.ListCreateAccountStatusOutput, error) {
	return store.Read(ctx, s.store, func(tx *store.Tx) (*api.ListCreateAccountStatusOutput, error) {
		m, err := s.Admit(ctx, tx, call, "ListCreateAccountStatus", in)
		if err != nil {
			return nil, err
		}
		l, err := s.list(call, "ListCreateAccountStatus", in.States, in.NextToken, in.MaxResults)
		if err != nil {
			return nil, err
		}
		after, err := openRequestKey(l.after)
		if err != nil {
			return nil, err
		}
		var states []directory.RequestState
		for _, state := range in.States {
			states = append(states, directory.RequestState(state))
		}
		read, err := directory.Requests(ctx, tx, m.Org, states, after, l.ask())
		if err != nil {
			return nil, err
		}
		var out api.ListCreateAccountStatusOutput
		out.CreateAccountStatuses, out.NextToken = cut(l, read, requestKey, requestOutput)
		return &out, nil
	})
}

// requestKey is a request's place in its list, for page tokens.
func requestKey(r directory.Request) string {
	return strconv.FormatInt(r.RequestedAt.UnixMicro(), 10) + " " + r.ID
}

func openRequestKey(key string) (directory.Request, error) {
	if key == "" {
		return directory.Request{}, nil
	}
	at, id, _ := strings.Cut(key, " ")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return directory.Request{}, fmt.Errorf("cursor of account requests %q: %w", key, err)
	}
	return directory.Request{RequestedAt: time.UnixMicro(micros).UTC(), ID: id}, nil
}
