package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/finding"
	"muster/internal/scan/library"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/feeds"
	"muster/internal/store/findings"
	"muster/internal/store/topology"
)

// errSuperseded says that other advisories came into service meanwhile, or other
// inventories of what is scanned.
var errSuperseded = errors.New("advisories or inventories were replaced during the scan")

// attempts is how often a scan begins again with newer advisories before it
// leaves that to the job's next attempt.
const attempts = 3

// together is how many resources are scanned in one transaction.
const together = 50

// scanResource is the handler of JobResource.
func (s *Service) scanResource(ctx context.Context, job store.Job) error {
	target, err := payload[Target](job)
	if err != nil {
		return err
	}
	return s.scan(ctx, []catalog.Place{target.place()})
}

// selection reads the resources that are to be scanned.
type selection func(ctx context.Context, tx *store.Tx) ([]catalog.Resource, error)

// scan brings the findings of some resources up to date.
func (s *Service) scan(ctx context.Context, places []catalog.Place) error {
	return s.scanSelected(ctx, func(ctx context.Context, tx *store.Tx) ([]catalog.Resource, error) {
		return catalog.ResourcesAt(ctx, tx, places)
	})
}

func (s *Service) scanSelected(ctx context.Context, of selection) error {
	var err error
	for range attempts {
		if err = s.scanOnce(ctx, of); !errors.Is(err, errSuperseded) {
			return err
		}
	}
	return err
}

func (s *Service) scanOnce(ctx context.Context, of selection) error {
	set, generation, err := s.config.Advisories.CurrentGeneration(ctx)
	if err != nil {
		return fmt.Errorf("advisories for a scan: %w", err)
	}
	defer set.Close()
	var fresh []catalog.Component
	var looked []int64
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		list, err := of(ctx, tx)
		if err != nil {
			return err
		}
		looked = inventoriesOf(list, nil)
		known, err := s.settled(ctx, tx, generation)
		if err == nil {
			fresh, err = neverMatched(ctx, tx, inventoriesOf(list, known))
		}
		return err
	})
	if err != nil {
		return err
	}
	list, err := matchAll(ctx, set, fresh)
	if err != nil {
		return err
	}
	return s.store.UpdateInLane(ctx, store.Catalog, func(tx *store.Tx) error {
		if err := inService(ctx, tx, generation); err != nil {
			return err
		}
		if err := storeFresh(ctx, tx, list, generation); err != nil {
			return err
		}
		known, err := s.settled(ctx, tx, generation)
		if err != nil {
			return err
		}
		resources, err := of(ctx, tx)
		if err == nil {
			err = overtaken(ctx, tx, resources, looked)
		}
		if err != nil {
			return err
		}
		e := &evaluator{service: s, tx: tx, set: set, library: library.New(set), now: s.now(), shared: known,
			contents: map[sight]*content{}, adapted: map[adaptation][]finding.Draft{}, regimes: map[Account]*regime{}}
		e.compared = known.compare()
		tx.AfterCommit(func() { known.keep(e.contents, e.compared) })
		return e.scan(ctx, resources)
	})
}

// overtaken refuses to go on when resources have got inventories since they were
// looked at, with components that nobody has matched: what is on them would be
// taken for clean, and remembered so.
func overtaken(ctx context.Context, tx *store.Tx, resources []catalog.Resource, looked []int64) error {
	late := slices.DeleteFunc(inventoriesOf(resources, nil), func(id int64) bool { return slices.Contains(looked, id) })
	if len(late) == 0 {
		return nil
	}
	left, err := neverMatched(ctx, tx, late)
	if err == nil && len(left) > 0 {
		err = errSuperseded
	}
	return err
}

// inService refuses to go on when the generation is not the one in service.
func inService(ctx context.Context, tx *store.Tx, generation int64) error {
	current, err := feeds.Current(ctx, tx)
	if err == nil && current != generation {
		return errSuperseded
	}
	return err
}

// storeFresh stores the matches of components that nobody has matched in the
// meantime.
func storeFresh(ctx context.Context, tx *store.Tx, list []matched, generation int64) error {
	ids := make([]int64, len(list))
	for i, m := range list {
		ids[i] = m.component.ID
	}
	current, err := catalog.Components(ctx, tx, ids)
	if err != nil {
		return err
	}
	done := map[int64]bool{}
	for _, c := range current {
		done[c.ID] = c.Generation != catalog.NeverMatched
	}
	list = slices.DeleteFunc(slices.Clone(list), func(m matched) bool { return done[m.component.ID] })
	_, err = storeMatches(ctx, tx, list, generation)
	return err
}

// inventoriesOf are the inventories of resources, but for those that are known.
func inventoriesOf(list []catalog.Resource, known *contents) []int64 {
	seen := map[int64]bool{0: true}
	var ids []int64
	for i := range list {
		if id := list[i].Inventory; !seen[id] && !known.has(id) {
			ids = append(ids, id)
		}
		seen[list[i].Inventory] = true
	}
	return ids
}

// evaluator scans resources in one transaction and remembers what they share.
type evaluator struct {
	service *Service
	tx      *store.Tx
	set     *advisorydb.Set
	library *library.Library
	now     time.Time
	// shared are contents of transactions before; contents are those that this
	// one has worked out.
	shared   *contents
	contents map[sight]*content
	// adapted are wanted findings by how the resource can be reached.
	adapted map[adaptation][]finding.Draft
	regimes map[Account]*regime
	// known is what was read of the resources before they are looked at.
	known known
	// compared are the contents of findings that were compared.
	compared finding.Compared
	// writes are the changes of all resources, and scanned those that were
	// scanned without any change of their coverage, written together at the end.
	writes  []findings.Write
	scanned []int64
	// images is how many images were scanned.
	images map[Account]catalog.ImageScans
}

// sight is an inventory and how far it is looked at: an account that has
// switched deep inspection off sees the packages of the system alone.
type sight struct {
	inventory int64
	shallow   bool
}

// regime is what governs the resources of an account in a Region.
type regime struct {
	scans activation.Scans
	rules rules
	// shallow says that deep inspection is switched off.
	shallow bool
	// registry is read when the first image or repository comes.
	registry *registryRegime
}

func (e *evaluator) scan(ctx context.Context, list []catalog.Resource) error {
	if err := e.read(ctx, list); err != nil {
		return err
	}
	for i := range list {
		if err := e.resource(ctx, &list[i]); err != nil {
			return fmt.Errorf("scan %s of %s: %w", list[i].ID, list[i].Account, err)
		}
	}
	if err := catalog.MarkScanned(ctx, e.tx, e.scanned, e.now); err != nil {
		return err
	}
	if err := e.countImages(ctx); err != nil {
		return err
	}
	return write(ctx, e.tx, e.writes)
}

// countImage notes the scan of an image, for usage.
func (e *evaluator) countImage(r *catalog.Resource, gone bool) {
	if r.Type != finding.ContainerImage || gone || r.Inventory == 0 {
		return
	}
	if e.images == nil {
		e.images = map[Account]catalog.ImageScans{}
	}
	n := e.images[Account{r.Account, r.Region}]
	if r.ScannedAt.IsZero() {
		n.First++
	} else {
		n.Again++
	}
	e.images[Account{r.Account, r.Region}] = n
}

// countImages writes what countImage noted, in one order everywhere.
func (e *evaluator) countImages(ctx context.Context) error {
	for _, at := range slices.SortedFunc(maps.Keys(e.images), func(a, b Account) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Account, b.Account))
	}) {
		if err := catalog.AddImageScans(ctx, e.tx, at.Account, at.Region, e.images[at], e.now); err != nil {
			return err
		}
	}
	return nil
}

func (e *evaluator) resource(ctx context.Context, r *catalog.Resource) error {
	g := e.regime(r)
	var c *content
	var err error
	if r.Inventory != 0 {
		if c, err = e.content(ctx, sight{r.Inventory, g.shallow && r.Type == finding.Instance}); err != nil {
			return err
		}
	}
	v, known, err := e.verdict(ctx, r, g, c)
	if err != nil || !known {
		return err
	}
	if !v.until.IsZero() {
		if err := askFor(ctx, e.tx, JobDue, r.Place(), v.until); err != nil {
			return err
		}
	}
	n, err := e.network(ctx, r, g, &v)
	if err != nil {
		return err
	}
	var open []finding.Severity
	if v.judged || v.gone || v.network {
		if open, err = e.findings(ctx, r, c, n, v, g); err != nil {
			return err
		}
	}
	if (v.judged || v.gone) && v.Reason != reasonPending {
		v.ScannedAt = e.now
		e.countImage(r, v.gone)
	}
	if v.ScannedAt.IsZero() {
		v.ScannedAt = r.ScannedAt
	}
	first := r.ScannedAt.IsZero() && !v.ScannedAt.IsZero() && v.Covered && !v.gone
	if err := e.cover(ctx, r, v.Coverage); err != nil || !first {
		return err
	}
	return scanned(ctx, e.tx, r, open, e.now)
}

// verdict decides about a resource; known is false for what is not scanned for
// packages at all.
func (e *evaluator) verdict(ctx context.Context, r *catalog.Resource, g *regime, c *content) (v verdict, known bool, err error) {
	k, known := kindOf(r.Type)
	if !known {
		return v, false, nil
	}
	q := &question{kind: k, resource: r, shallow: g.shallow, now: e.now}
	if c != nil {
		q.inventory, q.missing, q.empty = &c.Inventory, c.missing, c.empty
	}
	if k.learn != nil {
		if err := k.learn(ctx, e, q, g); err != nil {
			return v, true, err
		}
	}
	v = e.service.judge(q, g.scans.Status(k.scan))
	if k.follow != nil {
		err = k.follow(ctx, e, q, &v)
	}
	return v, true, err
}

// findings evaluates a resource and notes what is to be written. It returns
// the severities of the findings that are ACTIVE then.
func (e *evaluator) findings(ctx context.Context, r *catalog.Resource, c *content, n *topology.Instance, v verdict, g *regime) ([]finding.Severity, error) {
	stored := e.known.findings[r.Number]
	in := finding.Evaluation{
		Account: r.Account, Region: r.Region, Resource: r.Resource, Now: e.now, ResourceGone: v.gone, Suppressed: g.rules.By,
		Compared: e.compared,
	}
	for _, f := range stored {
		if v.judges(f.Type) {
			in.Previous = append(in.Previous, f.Finding)
		}
	}
	if v.judged && c != nil {
		in.Wanted, in.Installed = e.reached(c, n), c.installed
	}
	if v.network && n != nil {
		network, err := exposed(ctx, e.tx, r, n)
		if err != nil {
			return nil, err
		}
		in.Wanted = append(slices.Clip(in.Wanted), network...)
	}
	changes := finding.Evaluate(in)
	for _, c := range changes {
		e.writes = append(e.writes, findings.Write{Resource: r.Number, Change: c})
	}
	return openAfter(stored, changes), nil
}

// regime is what governs a resource's account in its Region.
func (e *evaluator) regime(r *catalog.Resource) *regime {
	return e.regimes[Account{r.Account, r.Region}]
}
