package scan

import (
	"context"
	"errors"
	"slices"
	"strings"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/catalog"
	"muster/internal/version"
)

// The words of coverage that the desk uses (scanning specification 2).
const (
	codeActive   = "ACTIVE"
	codeInactive = "INACTIVE"

	reasonSuccessful     = "SUCCESSFUL"
	reasonPending        = "PENDING_INITIAL_SCAN"
	reasonPendingDisable = "PENDING_DISABLE"
	reasonExcluded       = "EXCLUDED_BY_TAG"
	reasonStopped        = "EC2_INSTANCE_STOPPED"
	reasonUnsupported    = "UNSUPPORTED_OS"
	reasonUnmanaged      = "UNMANAGED_EC2_INSTANCE"
	reasonNoInventory    = "NO_INVENTORY"
	reasonStale          = "STALE_INVENTORY"

	packageScan = "PACKAGE"
	agentBased  = "EC2_SSM_AGENT_BASED"
	// exclusionTag keeps an instance from being scanned, compared without
	// regard to case and with any value.
	exclusionTag = "InspectorEc2Exclusion"
)

// judgeInstance decides how an instance is covered, by the precedence of the
// scanning specification (2).
func (s *Service) judgeInstance(q *question) verdict {
	switch r, inv := q.resource, q.inventory; {
	case excluded(r.Tags):
		return q.closed(reasonExcluded)
	case r.Instance != nil && r.Instance.Stopped:
		return q.inactive(reasonStopped)
	case inv == nil && (r.Instance == nil || !r.Instance.Managed):
		return q.inactive(reasonUnmanaged)
	case inv == nil:
		return q.inactive(reasonNoInventory)
	case inv.OS.Ecosystem == "":
		return verdict{Coverage: q.covered(codeInactive, reasonUnsupported), judged: true}
	case q.now.Sub(r.ReportedAt) >= s.config.StaleAfter:
		return verdict{Coverage: q.covered(codeInactive, reasonStale), judged: true}
	case q.missing:
		// Until the advisories of everything on it have been imported, an
		// empty list of findings would be no answer.
		return q.active(reasonPending)
	}
	return q.active(inspected(q.inventory.Notes, q.shallow))
}

func excluded(tags map[string]string) bool {
	for k := range tags {
		if strings.EqualFold(k, exclusionTag) {
			return true
		}
	}
	return false
}

// inspected is what deep inspection has to say of an instance that is scanned:
// the limit that it met, or that it was switched on after the host last looked,
// else SUCCESSFUL. Where it is switched off, nothing is expected of it.
func inspected(notes []string, shallow bool) string {
	if shallow {
		return reasonSuccessful
	}
	for _, known := range []struct{ note, reason string }{
		{"DEEP_INSPECTION_PACKAGE_COLLECTION_LIMIT_EXCEEDED", "DEEP_INSPECTION_PACKAGE_COLLECTION_LIMIT_EXCEEDED"},
		{"DEEP_INSPECTION_COLLECTION_TIME_LIMIT_EXCEEDED", "DEEP_INSPECTION_COLLECTION_TIME_LIMIT_EXCEEDED"},
		{"DEEP_INSPECTION_DAILY_SSM_INVENTORY_LIMIT_EXCEEDED", "DEEP_INSPECTION_DAILY_SSM_INVENTORY_LIMIT_EXCEEDED"},
		{"DEEP_INSPECTION_DEACTIVATED", "DEEP_INSPECTION_NO_INVENTORY"},
	} {
		// Words about what was met follow the first.
		if slices.ContainsFunc(notes, func(n string) bool { return n == known.note || strings.HasPrefix(n, known.note+":") }) {
			return known.reason
		}
	}
	return reasonSuccessful
}

// feedMissing reports whether advisories are lacking for the operating system
// or for any package that is to be judged.
func feedMissing(set *advisorydb.Set, os inventory.OS, items []inventory.Item) bool {
	if os.Ecosystem != "" && !set.Has(os.Ecosystem) {
		return true
	}
	return slices.ContainsFunc(items, func(it inventory.Item) bool {
		return it.Role.Judged() && awaited(it.Ecosystem) && !set.Has(it.Ecosystem)
	})
}

// awaited reports whether an answer waits for an ecosystem's advisories: where
// nobody publishes any it would wait for ever, and programs outside packages
// are judged as far as there are records of them.
func awaited(ecosystem string) bool {
	_, published := version.SchemeOf(advisory.BaseEcosystem(ecosystem))
	return published && ecosystem != advisory.Upstream
}

// lookForReport is the handler of JobStale.
func (s *Service) lookForReport(ctx context.Context, job store.Job) error {
	target, err := payload[Target](job)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		r, err := catalog.LookupResource(ctx, tx, target.place())
		if errors.Is(err, store.ErrNotFound) || err == nil && !r.GoneAt.IsZero() {
			return nil
		}
		if err != nil {
			return err
		}
		now, due := s.now(), r.ReportedAt.Add(s.config.StaleAfter)
		if due.After(now) {
			return askFor(ctx, tx, JobStale, r.Place(), due)
		}
		if err := askFor(ctx, tx, JobResource, r.Place(), now); err != nil {
			return err
		}
		return askFor(ctx, tx, JobStale, r.Place(), now.Add(s.config.StaleAfter))
	})
}
