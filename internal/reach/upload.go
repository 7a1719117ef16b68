package reach

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/internal/admit"
	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/inspector/desk"
	"muster/internal/network/facts"
	"muster/internal/store"
	"muster/internal/store/directory"
	"muster/internal/store/topology"
)

// uploadLife is how long an upload that is not complete is kept.
const uploadLife = 24 * time.Hour

// UploadNetworkFacts takes describe answers, whole or in parts. The upload that
// completes them replaces what the account told of the Region before, all or
// nothing. Facts that do not parse change nothing and are refused in words.
func (s *Service) UploadNetworkFacts(ctx context.Context, call *awsmodel.Call, in *muster.UploadNetworkFactsInput) (*muster.UploadNetworkFactsOutput, error) {
	scope, err := s.scope(ctx, call, in.AccountId, in.Region)
	if err != nil {
		return nil, err
	}
	leave, err := s.uploads.Enter(ctx, string(call.Account()))
	if errors.Is(err, admit.ErrFull) {
		return nil, &awsmodel.Fault{Code: "Throttling", Message: "Too many uploads of network facts are being handled; try again later.", RetryAfter: 5}
	}
	if err != nil {
		return nil, err
	}
	defer leave()
	out := &muster.UploadNetworkFactsOutput{Complete: in.Incomplete == nil || !*in.Incomplete}
	if in.UploadId != nil {
		out.UploadId = *in.UploadId
	} else if out.UploadId, err = newUploadID(); err != nil {
		return nil, err
	}
	if !out.Complete {
		return out, s.keepParts(ctx, scope, out.UploadId, in.Files, call.Time)
	}
	stored, err := s.complete(ctx, scope, out.UploadId, in.Files, call.Time)
	if err != nil {
		return nil, err
	}
	out.Changed, out.Snapshot = stored.StoredAt.Equal(call.Time), wireSnapshot(&stored)
	return out, nil
}

func newUploadID() (string, error) {
	var random [12]byte
	_, err := rand.Read(random[:])
	return "upload-" + hex.EncodeToString(random[:]), err
}

// scope is whose facts of which Region a request is about: the caller's and the
// call's unless it says otherwise and the caller answers for that account.
func (s *Service) scope(ctx context.Context, call *awsmodel.Call, account, region *string) (facts.Scope, error) {
	at := facts.Scope{Account: call.Account(), Region: call.Region}
	if region != nil {
		at.Region = arn.Region(*region)
	}
	if len(s.config.Regions) > 0 && !slices.Contains(s.config.Regions, at.Region) {
		return at, invalid("Region %s is not one of this installation.", at.Region)
	}
	if account == nil || arn.AccountID(*account) == at.Account {
		return at, nil
	}
	at.Account = arn.AccountID(*account)
	return at, s.store.View(ctx, func(tx *store.Tx) error { return mustSee(ctx, tx, call.Account(), at.Account, at.Region) })
}

// mustSee refuses in words where one account does not answer for another.
func mustSee(ctx context.Context, tx *store.Tx, who, whom arn.AccountID, region arn.Region) error {
	visible, err := inspector.VisibleAccounts(ctx, tx, who, region)
	if err != nil {
		return err
	}
	sees, err := visible.Sees(ctx, tx, whom)
	if err == nil && !sees {
		err = &muster.AccessDeniedException{Message: "Invoking account does not have access to account " + string(whom) + " in " + string(region) + "."}
	}
	return err
}

// keepParts keeps files until the upload is complete.
func (s *Service) keepParts(ctx context.Context, at facts.Scope, upload string, files []muster.NetworkFile, now time.Time) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := topology.DropParts(ctx, tx, at.Account, at.Region, "", now.Add(-uploadLife)); err != nil {
			return err
		}
		for i := range files {
			p := partOfFile(&files[i])
			if err := topology.AddPart(ctx, tx, at.Account, at.Region, upload, &p, now); err != nil {
				return err
			}
		}
		size, err := topology.Waiting(ctx, tx, at.Account, at.Region)
		if err == nil && size > mostWaiting {
			err = invalid("Uploads that are not complete may hold %d MiB.", mostWaiting>>20)
		}
		return err
	})
}

func partOfFile(f *muster.NetworkFile) topology.Part {
	p := topology.Part{Name: f.Name, Body: f.Content}
	if f.Part != nil {
		p.Number = *f.Part
	}
	return p
}

// complete reads what was told and puts it in force.
func (s *Service) complete(ctx context.Context, at facts.Scope, upload string, last []muster.NetworkFile, now time.Time) (topology.Snapshot, error) {
	var none topology.Snapshot
	select {
	case s.reading <- struct{}{}:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	defer func() { <-s.reading }()
	parts, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]topology.Part, error) {
		return topology.Parts(ctx, tx, at.Account, at.Region, upload)
	})
	if err != nil {
		return none, err
	}
	for i := range last {
		parts = append(parts, partOfFile(&last[i]))
	}
	files, err := unpack(inOrder(parts))
	if err != nil {
		return none, invalid("The files cannot be read: %v.", err)
	}
	t, err := tell(files, at)
	if err == nil && len(t.part.VPCs) == 0 {
		err = facts.ErrNone
	}
	if err != nil {
		return none, invalid("These are no network facts: %v.", err)
	}
	if region, ok := elsewhere(&t.part); ok {
		return none, invalid("These facts are of Region %s; upload them there.", region)
	}
	s.parts.put(partKey{at, t.digest}, t.part, int64(len(t.body)))
	return store.Write(ctx, s.store, func(tx *store.Tx) (topology.Snapshot, error) {
		if err := topology.DropParts(ctx, tx, at.Account, at.Region, upload, now.Add(-uploadLife)); err != nil {
			return none, err
		}
		return s.putInForce(ctx, tx, t, topology.Upload, now, 0)
	})
}

// inOrder sorts parts by name and number; of those told twice the last counts.
func inOrder(parts []topology.Part) []topology.Part {
	order := func(a, b topology.Part) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Number, b.Number))
	}
	slices.Reverse(parts)
	slices.SortStableFunc(parts, order)
	return slices.CompactFunc(parts, func(a, b topology.Part) bool { return order(a, b) == 0 })
}

// putInForce replaces what an account told of a Region and asks for what
// follows, after a time in which further facts may come. The same facts again only count as looked at again.
func (s *Service) putInForce(ctx context.Context, tx *store.Tx, t *told, source topology.Source, now time.Time, settle time.Duration) (topology.Snapshot, error) {
	at := t.part.Scope
	before, err := topology.LookupSnapshot(ctx, tx, at.Account, at.Region)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return before, err
	}
	n := topology.Snapshot{
		Account: at.Account, Region: at.Region, Digest: t.digest, Source: source, FirstAt: now, StoredAt: now, CollectedAt: now,
		Size: int64(len(t.body)), VPCs: int64(len(t.part.VPCs)), Interfaces: int64(len(t.part.Interfaces)), Instances: int64(len(t.part.Instances)),
	}
	if !before.FirstAt.IsZero() {
		n.FirstAt = before.FirstAt
	}
	recorded(&n, t, now)
	same := before.Digest == t.digest
	if same {
		n.StoredAt, n.AnalysedAt = before.StoredAt, before.AnalysedAt
	}
	if err := topology.PutContent(ctx, tx, t.digest, t.body); err != nil {
		return n, err
	}
	if err := topology.PutSnapshot(ctx, tx, &n); err != nil {
		return n, err
	}
	if same {
		return n, nil
	}
	if before.Digest != "" {
		if err := topology.DropContent(ctx, tx, before.Digest); err != nil {
			return n, err
		}
	}
	return n, askForAnalysis(ctx, tx, at.Account, now.Add(settle))
}

// recorded takes over when the facts were read and what was not answered then,
// where they came with a note of it.
func recorded(n *topology.Snapshot, t *told, now time.Time) {
	for i := range t.part.Collections {
		c := &t.part.Collections[i]
		if c.At.Before(n.CollectedAt) {
			n.CollectedAt = c.At
		}
		if len(c.NotAnswered) > 0 {
			n.FailedAt, n.Failure = now, "PARTIAL"
			n.FailureText = cutText("Not everything was told when the facts were read: " + strings.Join(c.NotAnswered, "; "))
		}
	}
}

// unitOf is the unit that an account's networks are looked at in.
func unitOf(ctx context.Context, tx *store.Tx, account arn.AccountID) (topology.Unit, error) {
	org, err := directory.OrganizationOf(ctx, tx, account)
	if errors.Is(err, store.ErrNotFound) {
		return topology.Unit{Account: account}, nil
	}
	return topology.Unit{Organization: org.ID}, err
}

// askForAnalysis asks for the networks of an account's unit to be worked out.
func askForAnalysis(ctx context.Context, tx *store.Tx, account arn.AccountID, when time.Time) error {
	unit, err := unitOf(ctx, tx, account)
	if err != nil {
		return err
	}
	return askForUnit(ctx, tx, unit, when)
}

func askForUnit(ctx context.Context, tx *store.Tx, unit topology.Unit, when time.Time) error {
	body, err := json.Marshal(unit)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: JobAnalyse, Key: string(unit.Organization) + "/" + string(unit.Account), Account: string(unit.Account), Payload: body, RunAt: when,
	})
}

// DeleteNetworkFacts forgets what an account told of a Region; its network
// findings close.
func (s *Service) DeleteNetworkFacts(ctx context.Context, call *awsmodel.Call, in *muster.DeleteNetworkFactsInput) (*muster.DeleteNetworkFactsOutput, error) {
	at, err := s.scope(ctx, call, in.AccountId, in.Region)
	if err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		n, err := topology.LookupSnapshot(ctx, tx, at.Account, at.Region)
		if errors.Is(err, store.ErrNotFound) {
			return &muster.ResourceNotFoundException{Message: fmt.Sprintf("No network facts of %s in %s are stored.", at.Account, at.Region)}
		}
		if err != nil {
			return err
		}
		if err := topology.DeleteSnapshot(ctx, tx, at.Account, at.Region); err != nil {
			return err
		}
		if err := topology.DropContent(ctx, tx, n.Digest); err != nil {
			return err
		}
		return askForAnalysis(ctx, tx, at.Account, call.Time)
	})
	if err != nil {
		return nil, err
	}
	return &muster.DeleteNetworkFactsOutput{}, nil
}

// Sizes of the pages.
const (
	usualSnapshots   = 100
	usualConnections = 200
	mostConnections  = 1000
)

// ListNetworkSnapshots lists the accounts whose network facts of the call's
// Region are stored, with what went wrong when they were last looked for.
func (s *Service) ListNetworkSnapshots(ctx context.Context, call *awsmodel.Call, in *muster.ListNetworkSnapshotsInput) (*muster.ListNetworkSnapshotsOutput, error) {
	const op = "ListNetworkSnapshots"
	after, err := desk.After(s.config.Pages, call, op, "", in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := usualSnapshots
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	return store.Read(ctx, s.store, func(tx *store.Tx) (*muster.ListNetworkSnapshotsOutput, error) {
		visible, err := inspector.VisibleAccounts(ctx, tx, call.Account(), call.Region)
		if err != nil {
			return nil, err
		}
		list, err := topology.SnapshotsPage(ctx, tx, visible, call.Region, arn.AccountID(after), limit)
		if err != nil {
			return nil, err
		}
		out := &muster.ListNetworkSnapshotsOutput{Snapshots: []muster.NetworkSnapshot{}}
		for i := range list {
			out.Snapshots = append(out.Snapshots, *wireSnapshot(&list[i]))
		}
		if len(list) == limit {
			out.NextToken = new(s.config.Pages.Seal(call, op, "", []byte(list[limit-1].Account)))
		}
		return out, nil
	})
}

// invalid is the answer to a request that is well-formed and makes no sense.
func invalid(format string, args ...any) error {
	return &muster.ValidationException{Message: fmt.Sprintf(format, args...), Reason: muster.ValidationExceptionReasonOther}
}
