package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/backup"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/recount"
)

// Verification is what a look at everything that is kept beside its source has
// come to.
type Verification struct {
	// Accounts counts the pairs of an account and a Region with findings,
	// Resources the machines, images and the like.
	Accounts, Resources int
	// Wrong describes every difference in words.
	Wrong []string
}

// Verify counts everything anew that is kept beside its source: the columns of
// findings, the findings per account, status, severity and type, the groups of
// all aggregations, what happened on which day and what rules did, the
// inventories' references and postings, how many resources are covered how,
// what filters can ask of resources and of contents, the members of
// administrators. It works in pieces beside a running server. With mend, what is
// wrong is replaced by what was counted.
func (o *Operator) Verify(ctx context.Context, mend bool) (v Verification, err error) {
	// Findings are counted by what is kept of resources and contents, so those
	// come first.
	for _, check := range []func(context.Context, bool, *Verification) error{o.verifyMembers, o.verifyCatalog, o.verifyContents, o.verifyPlaces} {
		if err := check(ctx, mend, &v); err != nil {
			return v, err
		}
	}
	return v, nil
}

// check runs one comparison in a transaction that writes only to mend.
func (o *Operator) check(ctx context.Context, mend bool, v *Verification, compare func(tx *store.Tx) ([]string, error)) error {
	in := o.store.View
	if mend {
		in = o.store.Update
	}
	var wrong []string
	err := in(ctx, func(tx *store.Tx) (err error) {
		wrong, err = compare(tx)
		return err
	})
	v.Wrong = append(v.Wrong, wrong...)
	return err
}

func (o *Operator) verifyMembers(ctx context.Context, mend bool, v *Verification) error {
	return o.check(ctx, mend, v, func(tx *store.Tx) ([]string, error) { return activation.VerifyMembers(ctx, tx, mend) })
}

// verifyPlaces looks at the accounts in a Region each; where nothing is mended,
// at as many at once as the machine has processors.
func (o *Operator) verifyPlaces(ctx context.Context, mend bool, v *Verification) error {
	places, err := store.Read(ctx, o.store, func(tx *store.Tx) ([]findings.Place, error) { return findings.Places(ctx, tx) })
	if err != nil {
		return fmt.Errorf("accounts with findings: %w", err)
	}
	at := errgroup.Group{}
	at.SetLimit(1)
	if !mend {
		at.SetLimit(runtime.GOMAXPROCS(0))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex // guards v
	for _, p := range places {
		at.Go(func() error {
			var own Verification
			if err := o.verifyPlace(ctx, p, mend, &own); err != nil {
				cancel()
				return fmt.Errorf("findings of %s in %s: %w", p.Account, p.Region, err)
			}
			mu.Lock()
			defer mu.Unlock()
			v.Accounts++
			v.Wrong = append(v.Wrong, own.Wrong...)
			if o.Progress != nil {
				o.Progress(v.Accounts, len(places))
			}
			return nil
		})
	}
	return at.Wait()
}

func (o *Operator) verifyPlace(ctx context.Context, p findings.Place, mend bool, v *Verification) error {
	// Counts are counted by the columns, so those come first.
	err := o.verifyRows(ctx, p, mend, v)
	if err == nil {
		err = o.verifyCounts(ctx, p, mend, v)
	}
	if err == nil {
		err = o.check(ctx, mend, v, func(tx *store.Tx) ([]string, error) { return recount.Days(ctx, tx, p, o.now(), mend) })
	}
	if err == nil {
		err = o.check(ctx, mend, v, func(tx *store.Tx) ([]string, error) { return recount.Effects(ctx, tx, p, mend) })
	}
	return err
}

// findingsAtOnce is how many findings or contents are verified in one
// transaction.
const findingsAtOnce = 500

func (o *Operator) verifyRows(ctx context.Context, at findings.Place, mend bool, v *Verification) error {
	for after, seen := "", findingsAtOnce; seen == findingsAtOnce; {
		var last string
		err := o.check(ctx, mend, v, func(tx *store.Tx) (wrong []string, err error) {
			wrong, seen, last, err = recount.Rows(ctx, tx, at, after, findingsAtOnce, mend)
			return wrong, err
		})
		if err != nil {
			return err
		}
		after = last
	}
	return nil
}

func (o *Operator) verifyCounts(ctx context.Context, p findings.Place, mend bool, v *Verification) error {
	return o.check(ctx, mend, v, func(tx *store.Tx) ([]string, error) {
		wrong, err := findings.Verify(ctx, tx, p)
		if err == nil && mend && len(wrong) > 0 {
			err = findings.Recount(ctx, tx, p)
		}
		return wrong, err
	})
}

// resourcesAtOnce is how many resources are verified in one transaction.
const resourcesAtOnce = 500

func (o *Operator) verifyCatalog(ctx context.Context, mend bool, v *Verification) error {
	wrong, err := store.Read(ctx, o.store, func(tx *store.Tx) ([]string, error) { return catalog.VerifyInventories(ctx, tx) })
	if err != nil {
		return err
	}
	v.Wrong = append(v.Wrong, wrong...)
	if mend && len(wrong) > 0 {
		if err := o.store.Update(ctx, func(tx *store.Tx) error { return catalog.MendInventories(ctx, tx) }); err != nil {
			return err
		}
	}
	if err := o.verifyCoverage(ctx, mend, v); err != nil {
		return err
	}
	in := o.store.View
	if mend {
		in = o.store.Update
	}
	for after := int64(0); ; {
		var wrong []string
		var seen int
		var last int64
		err := in(ctx, func(tx *store.Tx) (err error) {
			wrong, seen, last, err = catalog.VerifyAttributes(ctx, tx, after, resourcesAtOnce, mend)
			return err
		})
		if err != nil {
			return fmt.Errorf("attributes of resources: %w", err)
		}
		after = last
		v.Resources += seen
		v.Wrong = append(v.Wrong, wrong...)
		if seen < resourcesAtOnce {
			return nil
		}
	}
}

func (o *Operator) verifyCoverage(ctx context.Context, mend bool, v *Verification) error {
	wrong, err := store.Read(ctx, o.store, func(tx *store.Tx) ([]string, error) { return catalog.VerifyCoverage(ctx, tx) })
	v.Wrong = append(v.Wrong, wrong...)
	if err != nil || !mend || len(wrong) == 0 {
		return err
	}
	return o.store.Update(ctx, func(tx *store.Tx) error { return catalog.RecountCoverage(ctx, tx) })
}

func (o *Operator) verifyContents(ctx context.Context, mend bool, v *Verification) error {
	err := o.check(ctx, mend, v, func(tx *store.Tx) ([]string, error) {
		wrong, err := findings.VerifyContents(ctx, tx)
		if err == nil && mend && len(wrong) > 0 {
			err = findings.DropUnused(ctx, tx)
		}
		return wrong, err
	})
	if err != nil {
		return err
	}
	for after, seen := int64(0), findingsAtOnce; seen == findingsAtOnce; {
		var last int64
		err := o.check(ctx, mend, v, func(tx *store.Tx) (wrong []string, err error) {
			wrong, seen, last, err = recount.Contents(ctx, tx, after, findingsAtOnce, mend)
			return wrong, err
		})
		if err != nil {
			return fmt.Errorf("what filters can ask of contents: %w", err)
		}
		after = last
	}
	return nil
}

// Backup writes a snapshot of the store to a file that must not exist yet, and
// returns how many rows it has. Servers may run meanwhile.
func (o *Operator) Backup(ctx context.Context, file string) (rows int64, err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	rows, err = backup.Write(ctx, o.store, f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		// Half a backup is none.
		return 0, errors.Join(err, os.Remove(file))
	}
	return rows, nil
}

// Restore reads a backup into the store, which must be empty, and returns how
// many rows it has.
func (o *Operator) Restore(ctx context.Context, file string) (rows int64, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	rows, err = backup.Read(ctx, o.store, f)
	return rows, errors.Join(err, f.Close())
}
