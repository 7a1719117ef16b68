package scan

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/inventory"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
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
	reasonNoInventory    = "NO_INVENTORY"
	reasonStale          = "STALE_INVENTORY"

	packageScan = "PACKAGE"
	agentBased  = "EC2_SSM_AGENT_BASED"
	// exclusionTag keeps an instance from being scanned, compared without
	// regard to case and with any value.
	exclusionTag = "InspectorEc2Exclusion"
)

// covered is the coverage of a resource that an agent reports on.
func covered(code, reason string) catalog.Coverage {
	return catalog.Coverage{Covered: true, ScanType: packageScan, ScanMode: agentBased, Status: code, Reason: reason}
}

// verdict is how a resource is to be treated.
type verdict struct {
	catalog.Coverage
	// judged resources get the findings that their matches want, gone ones
	// lose all; others keep what they have.
	judged, gone bool
}

// judge decides how a resource is covered, by the precedence of the scanning
// specification (2). inv is nil where there is no inventory.
func (s *Service) judge(r *catalog.Resource, scan activation.Status, inv *catalog.Inventory, missing bool, now time.Time) verdict {
	switch {
	case !r.GoneAt.IsZero():
		return verdict{gone: true}
	case scan == activation.Disabling:
		return verdict{Coverage: covered(codeInactive, reasonPendingDisable)}
	case scan != activation.Enabled:
		return verdict{Coverage: r.Coverage}
	case excluded(r.Tags):
		return verdict{Coverage: covered(codeInactive, reasonExcluded), gone: true}
	case r.Instance != nil && r.Instance.Stopped:
		return verdict{Coverage: covered(codeInactive, reasonStopped)}
	case inv == nil:
		return verdict{Coverage: covered(codeInactive, reasonNoInventory)}
	case inv.OS.Ecosystem == "":
		return verdict{Coverage: covered(codeInactive, reasonUnsupported), judged: true}
	case now.Sub(r.ReportedAt) >= s.config.StaleAfter:
		return verdict{Coverage: covered(codeInactive, reasonStale), judged: true}
	case missing:
		// Until the advisories of everything on it have been imported, an
		// empty list of findings would be no answer.
		return verdict{Coverage: covered(codeActive, reasonPending), judged: true}
	}
	return verdict{Coverage: covered(codeActive, limit(inv.Notes)), judged: true}
}

func excluded(tags map[string]string) bool {
	for k := range tags {
		if strings.EqualFold(k, exclusionTag) {
			return true
		}
	}
	return false
}

// limit is the limit that was met while looking, else SUCCESSFUL.
func limit(notes []string) string {
	for _, known := range []string{"DEEP_INSPECTION_PACKAGE_COLLECTION_LIMIT_EXCEEDED",
		"DEEP_INSPECTION_COLLECTION_TIME_LIMIT_EXCEEDED", "DEEP_INSPECTION_DAILY_SSM_INVENTORY_LIMIT_EXCEEDED"} {
		if slices.Contains(notes, known) {
			return known
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
		return it.Role.Judged() && it.Ecosystem != "" && !set.Has(it.Ecosystem)
	})
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
