package scan_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/internal/finding"
	"muster/internal/fleet"
	"muster/internal/inventory"
	"muster/internal/scan"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/registry"
)

// The statements about instances that agents do not speak for, about
// repositories, images and functions. They do what the desks of those do.

// resource runs a statement about a resource; false for any other.
func (p *player) resource(w []string) bool {
	statements := map[string]func(w []string){
		"switch": p.switchScan, "deep": p.deepInspection, "known": p.known, "enroll": p.enroll, "tag": p.tagHost, "untag": p.tagHost, "stopping": p.stopping, "starting": p.starting,
		"repository": p.repository, "policy": p.policy, "rules": p.rules, "windows": p.windows,
		"push": p.push, "read": p.read, "problem": p.image, "pull": p.image, "use": p.image, "archive": p.image, "restore": p.image, "delete": p.image,
		"function": p.function, "invoke": p.function, "deleted": p.functionDeleted,
	}
	do, ok := statements[w[0]]
	if ok {
		do(w)
	}
	return ok
}

// switchScan: switch ECR of A ENABLED.
func (p *player) switchScan(w []string) {
	p.update(func(ctx context.Context, tx *store.Tx) error {
		err := activation.PutScans(ctx, tx, []activation.Scan{{Account: p.account(w[3]), Region: region, Type: activation.ScanType(w[1]), Status: activation.Status(w[4]), ChangedAt: p.now}})
		if err != nil {
			return err
		}
		return p.ask(ctx, tx, scan.JobAccount, w[3])
	})
}

// deepInspection: deep inspection of A on, or off.
func (p *player) deepInspection(w []string) {
	p.update(func(ctx context.Context, tx *store.Tx) error {
		if err := activation.PutDeepInspection(ctx, tx, p.account(w[3]), region, activation.DeepInspection{Activated: w[4] == "on"}); err != nil {
			return err
		}
		return p.ask(ctx, tx, scan.JobAccount, w[3])
	})
}

// known: known HOST of A [terminated] [TAG=VALUE…].
func (p *player) known(w []string) {
	said := finding.Resource{Type: finding.Instance, ID: p.host(w[1]), Tags: map[string]string{}, Instance: &finding.InstanceDetails{VPC: "vpc-1"}}
	for _, word := range w[4:] {
		if k, v, isTag := strings.Cut(word, "="); isTag {
			said.Tags[k] = v
		} else {
			said.Instance.Terminated = word == "terminated"
		}
	}
	p.update(func(ctx context.Context, tx *store.Tx) error {
		return p.desk.InstanceKnown(ctx, tx, p.account(w[3]), region, said, p.now)
	})
}

func (p *player) hostReport(name, account string) fleet.Report {
	return fleet.Report{Account: p.account(account), Region: region, HostID: p.host(name), Tags: map[string]string{}, ReceivedAt: p.now}
}

// enroll: enroll HOST of A.
func (p *player) enroll(w []string) {
	p.update(func(ctx context.Context, tx *store.Tx) error {
		return p.desk.HostEnrolled(ctx, tx, p.hostReport(w[1], w[3]))
	})
}

// tagHost: tag HOST of A KEY=VALUE…, untag HOST of A KEY….
func (p *player) tagHost(w []string) {
	r := p.hostReport(w[1], w[3])
	var dropped []string
	for _, word := range w[4:] {
		if k, v, _ := strings.Cut(word, "="); w[0] == "tag" {
			r.Tags[k] = v
		} else {
			dropped = append(dropped, k)
		}
	}
	p.update(func(ctx context.Context, tx *store.Tx) error { return p.desk.HostChanged(ctx, tx, r, dropped) })
}

// stopping: stopping HOST of A says goodbye, starting HOST of A is noted by
// somebody else.
func (p *player) stopping(w []string) { p.state(w, true) }

func (p *player) starting(w []string) { p.state(w, false) }

func (p *player) state(w []string, stopped bool) {
	r := p.hostReport(w[1], w[3])
	r.Stopping = stopped
	p.update(func(ctx context.Context, tx *store.Tx) error { return p.desk.HostChanged(ctx, tx, r, nil) })
}

// repository: repository R of A.
func (p *player) repository(w []string) {
	r := registry.Repository{Account: p.account(w[3]), Region: region, Name: w[1], CreatedAt: p.now}
	p.hosts[w[1]] = string(r.ARN())
	p.update(func(ctx context.Context, tx *store.Tx) error {
		if err := registry.PutRepository(ctx, tx, r); err != nil {
			return err
		}
		return p.desk.RepositorySeen(ctx, tx, &r, p.now)
	})
}

// policy: policy R of A ACTION… denies these actions to everybody, none of
// them removes the policy.
func (p *player) policy(w []string) {
	p.update(func(ctx context.Context, tx *store.Tx) error {
		r, err := registry.LookupRepository(ctx, tx, p.account(w[3]), region, w[1])
		if err != nil {
			return err
		}
		r.Policy = ""
		if actions := w[4:]; len(actions) > 0 {
			r.Policy = fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":["%s"]}]}`, strings.Join(actions, `","`))
		}
		if err := registry.PutRepository(ctx, tx, r); err != nil {
			return err
		}
		return p.desk.Rejudge(ctx, tx, r.Account, region, p.now)
	})
}

// rules: rules of A FREQUENCY=FILTER….
func (p *player) rules(w []string) {
	set := registry.Scanning{Type: "ENHANCED", UpdatedAt: p.now}
	for _, word := range w[3:] {
		frequency, filter, _ := strings.Cut(word, "=")
		set.Rules = append(set.Rules, registry.Rule{Frequency: frequency, Filters: []string{filter}})
	}
	p.update(func(ctx context.Context, tx *store.Tx) error {
		if err := registry.PutScanning(ctx, tx, p.account(w[2]), region, set); err != nil {
			return err
		}
		return p.desk.Rejudge(ctx, tx, p.account(w[2]), region, p.now)
	})
}

// windows: windows of A PUSH PULL MODE.
func (p *player) windows(w []string) {
	c := activation.Configuration{RescanDuration: w[3], PullRescanDuration: w[4], PullRescanMode: w[5], ECRUpdatedAt: p.now}
	p.update(func(ctx context.Context, tx *store.Tx) error {
		if err := activation.PutConfiguration(ctx, tx, p.account(w[2]), region, c); err != nil {
			return err
		}
		return p.desk.Rejudge(ctx, tx, p.account(w[2]), region, p.now)
	})
}

// digest is that of a named image.
func digest(name string) string { return "sha256:" + strings.Repeat(fmt.Sprintf("%02x", name[0]), 32) }

func (p *player) entry(ctx context.Context, tx *store.Tx, name, account, repository string) (registry.Entry, error) {
	return registry.Lookup(ctx, tx, registry.Key{Account: p.account(account), Region: region, Repository: repository, Digest: digest(name)})
}

// push: push I of A to R, push I of A to R as ARTIFACT.
func (p *player) push(w []string) {
	e := registry.Entry{Key: registry.Key{Account: p.account(w[3]), Region: region, Repository: w[5], Digest: digest(w[1])}, Kind: registry.Image, PushedAt: p.now}
	if slices.Contains(w, "as") {
		e.Kind = registry.Kind(w[7])
	}
	p.hosts[w[1]] = string(e.ARN())
	p.update(func(ctx context.Context, tx *store.Tx) error {
		if known, err := registry.Lookup(ctx, tx, e.Key); err == nil {
			e.LapsedAt, e.PulledAt, e.UsedAt, e.Uses = known.LapsedAt, known.PulledAt, known.UsedAt, known.Uses
		}
		if err := registry.Put(ctx, tx, &e); err != nil {
			return err
		}
		return p.desk.ImageSeen(ctx, tx, &e, p.now)
	})
}

// read: read I of A in R: ITEM… where it is wanted.
func (p *player) read(w []string) {
	inv := &inventory.Inventory{OS: debian}
	for _, word := range w[6:] {
		if word == "scratch" {
			inv.OS = inventory.OS{}
			continue
		}
		inv.Items = append(inv.Items, item(word))
	}
	p.update(func(ctx context.Context, tx *store.Tx) error {
		e, err := p.entry(ctx, tx, w[1], w[3], strings.TrimSuffix(w[5], ":"))
		if err != nil {
			return err
		}
		if wanted, err := p.desk.Wanted(ctx, tx, &e, p.now); err != nil || !wanted {
			return err
		}
		e.Problem = ""
		if err := registry.Put(ctx, tx, &e); err != nil {
			return err
		}
		return p.desk.ImageRead(ctx, tx, &e, inv, inv.Hash(), p.now)
	})
}

// image: problem I of A in R REASON; pull, use, archive, restore or delete I of
// A in R.
func (p *player) image(w []string) {
	p.update(func(ctx context.Context, tx *store.Tx) error {
		e, err := p.entry(ctx, tx, w[1], w[3], w[5])
		if err != nil {
			return err
		}
		tell := p.desk.ImageSeen
		switch w[0] {
		case "problem":
			e.Problem = w[6]
		case "pull":
			e.PulledAt, tell = p.now, p.desk.ImageActive
		case "use":
			e.UsedAt, e.Uses, tell = p.now, 1, p.desk.ImageActive
		case "archive":
			e.ArchivedAt = p.now
		case "restore":
			e.ArchivedAt, e.ActivatedAt = time.Time{}, p.now
		case "delete":
			if err := registry.Delete(ctx, tx, e.Key); err != nil {
				return err
			}
			return p.desk.ImageGone(ctx, tx, e.Key, p.now)
		}
		if err := registry.Put(ctx, tx, &e); err != nil {
			return err
		}
		return tell(ctx, tx, &e, p.now)
	})
}

func (p *player) functionPlace(name, account string) catalog.Place {
	id := fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s:$LATEST", region, p.account(account), name)
	p.hosts[name] = id
	return catalog.Place{Account: p.account(account), Region: region, Type: finding.LambdaFunction, ID: id}
}

// function: function F of A RUNTIME [TAG=VALUE…] [ITEM…]; invoke F of A. A
// runtime that begins with "-" is one that is not scanned; "nothing" has it
// without content.
func (p *player) function(w []string) {
	at := p.functionPlace(w[1], w[3])
	p.update(func(ctx context.Context, tx *store.Tx) error {
		known, err := catalog.LookupResource(ctx, tx, at)
		if w[0] == "invoke" {
			if err != nil {
				return err
			}
			known.Function = new(*known.Function)
			known.Function.LastInvokedAt = p.now
			r, err := catalog.PutResource(ctx, tx, at.Account, region, known.Resource, p.now)
			if err != nil {
				return err
			}
			return p.desk.Changed(ctx, tx, &r, p.now)
		}
		said := finding.Resource{Type: at.Type, ID: at.ID, Tags: map[string]string{}, Function: &finding.FunctionDetails{
			Name: w[1], Runtime: strings.TrimPrefix(w[4], "-"), Supported: !strings.HasPrefix(w[4], "-"), Version: "$LATEST", LastModifiedAt: p.now,
		}}
		inv := &inventory.Inventory{}
		for _, word := range w[5:] {
			if k, v, isTag := strings.Cut(word, "="); isTag {
				said.Tags[k] = v
			} else if word != "nothing" {
				inv.Items = append(inv.Items, item(word))
			}
		}
		r, err := catalog.PutResource(ctx, tx, at.Account, region, said, p.now)
		if err != nil {
			return err
		}
		if !slices.Contains(w, "nothing") {
			id, err := catalog.PutInventory(ctx, tx, inv, inv.Hash(), p.now)
			if err != nil {
				return err
			}
			if err := catalog.SetInventory(ctx, tx, &r, id, inv.Hash(), p.now, p.now); err != nil {
				return err
			}
		}
		return p.desk.Changed(ctx, tx, &r, p.now)
	})
}

// functionDeleted: deleted F of A.
func (p *player) functionDeleted(w []string) {
	p.update(func(ctx context.Context, tx *store.Tx) error {
		r, err := catalog.LookupResource(ctx, tx, p.functionPlace(w[1], w[3]))
		if err != nil {
			return err
		}
		return p.desk.Gone(ctx, tx, &r, p.now)
	})
}

// debian is the system of hosts and images that say no other.
var debian = inventory.OS{ID: "debian", VersionID: "12", Ecosystem: "Debian:12", Platform: "DEBIAN_12"}

// attributes takes what a report's words say besides packages: os:NAME for a
// system that nobody knows, note:WORD for a limit that was met.
func (w *world) attributes(host string, words []string) (items []string) {
	delete(w.systems, host)
	delete(w.notes, host)
	for _, word := range words {
		kind, value, _ := strings.Cut(word, ":")
		switch kind {
		case "os":
			w.systems[host] = inventory.OS{ID: value}
		case "note":
			w.notes[host] = append(w.notes[host], value)
		default:
			items = append(items, word)
		}
	}
	return items
}
