// Package walk plays long random histories of an organization on a whole server
// that is stopped, or killed, in between, and holds every answer and all that
// can be listed against a model written from the specification.
package walk

import (
	"maps"
	"slices"
)

// The regions and scan types of the histories.
var (
	regions = []string{"us-east-1", "eu-west-1", "ap-southeast-2"}
	types   = []string{"EC2", "ECR", "LAMBDA", "LAMBDA_CODE", "CODE_REPOSITORY"}
)

const (
	head = "head" // the management account
	root = "root" // the root of the tree
	// maxAccounts is the default quota of an organization.
	maxAccounts = 10
	maxDepth    = 5
	// maxInvitations is how many may be unaccepted in a day.
	maxInvitations = 20
)

// model is what ought to be, by names. It knows nothing of the product.
type model struct {
	accounts map[string]*account
	// units maps a unit's name to its parent's.
	units      map[string]string
	trusted    bool
	registered string
	// byInspector: the registration was made by Inspector's own operation.
	byInspector bool
	regions     map[string]*region
	// invitations are the latest ones by account: OPEN or how they ended.
	invitations map[string]string
	unaccepted  int
	// policing: the policy type is enabled. Policies are by name, attached
	// ones by target, in the order of their attachment.
	policing bool
	policies map[string]document
	attached map[string][]string
}

type account struct {
	in     bool // of the organization
	parent string
	closed bool
	// created by the organization, rather than signed up by itself.
	created bool
}

// region is Inspector in one Region.
type region struct {
	name          string
	administrator string
	auto          map[string]bool // by scan type
	members       map[string]string
	at            map[string]*local
	organization  []string // paths of the administrator for all
}

// local is an account in a Region.
type local struct {
	scans   map[string]string
	filters map[string]string // action by name
	rescan  string
	paths   []string
}

func newModel() *model {
	m := &model{accounts: map[string]*account{}, units: map[string]string{}, regions: map[string]*region{}, invitations: map[string]string{}, policies: map[string]document{}, attached: map[string][]string{}}
	for _, r := range regions {
		m.regions[r] = &region{name: r, auto: map[string]bool{}, members: map[string]string{}, at: map[string]*local{}}
	}
	return m
}

func (m *model) add(name string, a account) {
	m.accounts[name] = &a
	for _, r := range m.regions {
		r.at[name] = &local{scans: map[string]string{}, filters: map[string]string{}, rescan: initialRescan}
	}
}

// blocked is the answer for what a policy decides.
const blocked = "BLOCKED_BY_ORGANIZATION_POLICY"

const initialRescan = "DAYS_14"

// names lists the accounts in order.
func (m *model) names() []string { return slices.Sorted(maps.Keys(m.accounts)) }

func (m *model) unitNames() []string {
	return append([]string{root}, slices.Sorted(maps.Keys(m.units))...)
}

// open counts the invitations that wait for an answer.
func (m *model) open() int {
	n := 0
	for _, state := range m.invitations {
		if state == "OPEN" {
			n++
		}
	}
	return n
}

// inside are the accounts of the organization.
func (m *model) inside() []string {
	return slices.DeleteFunc(m.names(), func(n string) bool { return !m.accounts[n].in })
}

func (m *model) depth(unit string) int {
	n := 0
	for ; unit != root; unit = m.units[unit] {
		n++
	}
	return n
}

func (m *model) empty(unit string) bool {
	for _, p := range m.units {
		if p == unit {
			return false
		}
	}
	for _, a := range m.accounts {
		if a.in && a.parent == unit {
			return false
		}
	}
	return true
}

// managed reports whether an account is associated to the administrator.
func (r *region) managed(name string) bool {
	return r.administrator != "" && (r.members[name] == "ENABLED" || r.members[name] == "ACCOUNT_SUSPENDED")
}

func (r *region) status(name, scan string) string {
	if s := r.at[name].scans[scan]; s != "" {
		return s
	}
	return "DISABLED"
}

func (r *region) active(name string) bool {
	return slices.ContainsFunc(types, func(t string) bool { return r.status(name, t) != "DISABLED" })
}

// reaches says why a caller fails at a target, or "".
func (m *model) reaches(r *region, caller, target string) string {
	switch {
	case caller == target, caller == r.administrator && r.managed(target):
		return ""
	case caller == r.administrator && !m.accounts[target].in && r.members[target] == "":
		return "RESOURCE_NOT_FOUND"
	}
	return "ACCESS_DENIED"
}

// switchOn enables types in a reachable account.
func (m *model) switchOn(r *region, target string, wanted []string) string {
	for _, t := range wanted {
		if r.status(target, t) == "DISABLED" && m.verdict(target, r.name, t) != "" {
			return blocked
		}
	}
	for _, t := range wanted {
		if r.status(target, t) == "DISABLED" && m.accounts[target].closed {
			return "ACCOUNT_IS_ISOLATED"
		}
	}
	for _, t := range wanted {
		if r.status(target, t) == "DISABLED" {
			r.at[target].scans[t] = "ENABLED"
		}
	}
	return ""
}

// switchOff disables types in a reachable account.
func (m *model) switchOff(r *region, target string, wanted []string) string {
	if len(wanted) == 0 {
		if r.active(target) {
			return "RESOURCE_SCAN_NOT_DISABLED"
		}
		return ""
	}
	off := maps.Clone(r.at[target].scans)
	if slices.Contains(wanted, "LAMBDA") {
		wanted = append(slices.Clone(wanted), "LAMBDA_CODE")
	}
	for _, t := range wanted {
		if r.status(target, t) != "DISABLED" && m.verdict(target, r.name, t) != "" {
			return blocked
		}
		delete(off, t)
	}
	last := len(off) == 0 && r.active(target)
	if last && target == r.administrator && slices.ContainsFunc(m.names(), r.managed) {
		return "DISASSOCIATE_ALL_MEMBERS"
	}
	r.at[target].scans = off
	if last {
		r.deactivate(target)
	}
	return ""
}

// deactivate is what the end of the last scan type takes with it.
func (r *region) deactivate(name string) {
	*r.at[name] = local{scans: map[string]string{}, filters: map[string]string{}, rescan: initialRescan}
	if name == r.administrator {
		r.auto = map[string]bool{}
		r.organization = nil
	}
}

// rescanOf is the duration in effect.
func (r *region) rescanOf(name string) string {
	if r.managed(name) {
		return r.at[r.administrator].rescan
	}
	return r.at[name].rescan
}

// organizationPaths are those in effect for an account.
func (r *region) organizationPaths(name string) []string {
	if name == r.administrator || r.managed(name) {
		return r.organization
	}
	return nil
}

// release ends a relationship and leaves the administrator's values.
func (r *region) release(name, as string) {
	if r.managed(name) {
		r.at[name].rescan = r.at[r.administrator].rescan
	}
	r.members[name] = as
}

// undesignate ends the administrator of a Region.
func (m *model) undesignate(r *region) {
	if r.administrator == "" {
		return
	}
	for name := range r.members {
		r.release(name, "")
	}
	former := r.administrator
	r.administrator, r.auto, r.members, r.organization = "", map[string]bool{}, map[string]string{}, nil
	if m.registered == former && m.byInspector && m.trusted && !slices.ContainsFunc(regions, func(n string) bool { return m.regions[n].administrator != "" }) {
		m.registered = ""
	}
}

// undesignateAll ends an administrator everywhere.
func (m *model) undesignateAll(name string) {
	for _, n := range regions {
		if r := m.regions[n]; r.administrator == name {
			m.undesignate(r)
		}
	}
}

// leave takes an account out of the organization.
func (m *model) leave(name string) {
	delete(m.attached, name)
	m.accounts[name].in = false
	for _, n := range regions {
		if r := m.regions[n]; r.members[name] != "" {
			r.release(name, "DELETED")
		}
	}
	// The management account can be an administrator; others are registered
	// and cannot leave.
}

// join puts an account into the root, with what is switched on for newcomers.
func (m *model) join(name string) {
	m.accounts[name].in, m.accounts[name].parent = true, root
	for _, n := range regions {
		r := m.regions[n]
		if r.members[name] != "" {
			r.members[name] = "REMOVED" // it was a member once, and is none now
		}
		if r.administrator == "" || len(r.auto) == 0 || name == r.administrator {
			continue
		}
		r.members[name] = "ENABLED"
		for t := range r.auto {
			// A policy has the last word.
			if m.verdict(name, n, t) == "" {
				r.at[name].scans[t] = "ENABLED"
			}
		}
	}
	m.enforce()
}

// close ends an account's own life.
func (m *model) close(name string) {
	m.accounts[name].closed = true
	for _, n := range regions {
		r := m.regions[n]
		for t := range r.at[name].scans {
			r.at[name].scans[t] = "SUSPENDED"
		}
		if r.members[name] == "ENABLED" {
			r.members[name] = "ACCOUNT_SUSPENDED"
		}
	}
}
