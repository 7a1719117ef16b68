package walk

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// step is one operation of a history, by names alone, so that histories can be
// cut and played again.
type step struct {
	op, caller, region string
	target             string
	targets, list      []string
	text               string
	flags              map[string]bool
	document           document
	// crash stops the server as soon as it has answered.
	crash bool
}

func (s step) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s by %s", s.op, s.caller)
	for _, part := range []struct {
		name  string
		value any
		set   bool
	}{
		{"in", s.region, s.region != ""}, {"target", s.target, s.target != ""}, {"targets", s.targets, s.targets != nil},
		{"document", s.document, s.document != nil}, {"then crash", s.crash, s.crash},
		{"of", s.list, s.list != nil}, {"text", s.text, s.text != ""}, {"flags", s.flags, s.flags != nil},
	} {
		if part.set {
			fmt.Fprintf(&b, " %s=%v", part.name, part.value)
		}
	}
	return b.String()
}

// verdict is what a step must be answered with: "" for success, or a code.
// Failures of single accounts are by name.
type verdict struct {
	code   string
	failed map[string]string
}

const (
	no         = "AccessDeniedException"
	notInUse   = "AWSOrganizationsNotInUseException"
	constraint = "ConstraintViolationException"
	invalid    = "ValidationException"
	conflict   = "ConflictException"
	notFound   = "ResourceNotFoundException"
)

// ok reports whether the names of a step still exist in a cut history.
func (m *model) ok(s step) bool {
	for _, n := range append([]string{s.caller, s.target}, s.targets...) {
		if n == "" || m.accounts[n] != nil {
			continue
		}
		if _, unit := m.units[n]; !unit && n != root {
			return false
		}
	}
	caller := m.accounts[s.caller]
	switch {
	case caller == nil:
		return s.op == "crash"
	case caller.closed: // nobody signs in to it
		return false
	}
	return m.sensible(s)
}

// sensible leaves out what the specification says nothing about.
func (m *model) sensible(s step) bool {
	switch s.op {
	case "create unit":
		parent, taken := m.units[s.text]
		return !taken || parent == s.target
	case "create account":
		return m.accounts[s.text] == nil
	case "close":
		// A registered administrator rests until its account is gone.
		return m.registered != s.target && !slices.ContainsFunc(regions, func(n string) bool { return m.regions[n].administrator == s.target })
	case "remove", "invite":
		return !m.accounts[s.target].closed
	case "accept", "decline":
		return s.target == s.caller && m.invitations[s.target] != ""
	case "cancel":
		return s.caller == head && m.invitations[s.target] != ""
	case "update policy", "delete policy", "attach", "detach":
		a, isAccount := m.accounts[s.target]
		_, exists := m.policies[s.text]
		return exists && (!isAccount || a.in && !a.closed)
	case "rename filter", "delete filter":
		_, exists := m.regions[s.region].at[s.caller].filters[s.text]
		return exists
	}
	return true
}

// apply predicts the answer to a step and makes the change.
func (m *model) apply(s step) verdict {
	switch s.op {
	case "crash":
		return verdict{}
	case "create unit", "delete unit", "move account", "create account", "leave", "remove", "close", "trust", "distrust", "register", "deregister", "invite", "accept", "decline", "cancel":
		return verdict{code: m.organizational(s)}
	case "enable policies", "disable policies", "create policy", "update policy", "delete policy", "attach", "detach":
		if refused := m.mayWrite(s.caller); refused != "" {
			return verdict{code: refused}
		}
		v := verdict{code: m.policy(s)}
		m.enforce()
		return v
	case "enable", "disable":
		return m.scanning(s)
	}
	return verdict{code: m.inspector(s)}
}

// mayWrite is who may write in Organizations.
func (m *model) mayWrite(caller string) string {
	switch {
	case !m.accounts[caller].in:
		return notInUse
	case caller != head:
		return no
	}
	return ""
}

func (m *model) organizational(s step) string {
	switch s.op {
	case "leave":
		return m.leaving(s.caller, s.caller)
	case "accept", "decline", "cancel":
		return m.answer(s)
	}
	if refused := m.mayWrite(s.caller); refused != "" {
		return refused
	}
	switch s.op {
	case "create unit":
		return m.createUnit(s.target, s.text)
	case "delete unit":
		if !m.empty(s.target) {
			return "OrganizationalUnitNotEmptyException"
		}
		delete(m.units, s.target)
		delete(m.attached, s.target)
	case "move account":
		return m.move(s.targets[0], s.list[0], s.target)
	case "create account":
		return m.create(s.text)
	case "remove":
		return m.leaving(head, s.target)
	case "invite":
		return m.invite(s.target)
	case "close":
		return m.closing(s.target)
	case "trust":
		m.trusted = true
	case "distrust":
		if m.policing {
			return constraint
		}
		m.trusted = false
		for _, n := range regions {
			m.undesignate(m.regions[n])
		}
	case "register":
		return m.register(s.target)
	case "deregister":
		return m.deregister(s.target)
	}
	return ""
}

func (m *model) createUnit(parent, name string) string {
	switch {
	case m.units[name] == parent:
		return "DuplicateOrganizationalUnitException"
	case m.depth(parent) >= maxDepth:
		return constraint
	}
	m.units[name] = parent
	return ""
}

func (m *model) move(name, source, destination string) string {
	a := m.accounts[name]
	switch {
	case !a.in:
		return "AccountNotFoundException"
	case a.parent == destination:
		return "DuplicateAccountException"
	case a.parent != source:
		return "SourceParentNotFoundException"
	}
	a.parent = destination
	m.enforce()
	return ""
}

func (m *model) create(name string) string {
	// An invitation counts against the quota until it ends.
	if len(m.inside())+m.open() >= maxAccounts {
		return constraint
	}
	m.add(name, account{created: true})
	m.join(name)
	return ""
}

// leaving is for whoever wants it: the account itself or the management.
func (m *model) leaving(caller, name string) string {
	a := m.accounts[name]
	switch {
	case caller == name && !a.in:
		return notInUse
	case name == head:
		return "MasterCannotLeaveOrganizationException"
	case !a.in:
		return "AccountNotFoundException"
	case m.registered == name:
		return constraint
	}
	m.leave(name)
	return ""
}

const handshakes = "HandshakeConstraintViolationException"

func (m *model) invite(name string) string {
	switch {
	case m.accounts[name].in:
		return handshakes
	case m.invitations[name] == "OPEN":
		return "DuplicateHandshakeException"
	case len(m.inside())+m.open() >= maxAccounts, m.unaccepted >= maxInvitations:
		return handshakes
	}
	m.invitations[name] = "OPEN"
	m.unaccepted++
	return ""
}

// answer ends an invitation: by the recipient, or by the sender.
func (m *model) answer(s step) string {
	to := map[string]string{"accept": "ACCEPTED", "decline": "DECLINED", "cancel": "CANCELED"}[s.op]
	switch state := m.invitations[s.target]; {
	case state == to:
		return "HandshakeAlreadyInStateException"
	case state != "OPEN":
		return "InvalidHandshakeTransitionException"
	case to == "ACCEPTED" && len(m.inside()) >= maxAccounts:
		return handshakes
	}
	m.invitations[s.target] = to
	if to == "ACCEPTED" {
		m.unaccepted--
		m.accounts[s.target].created = false
		m.join(s.target)
	}
	return ""
}

func (m *model) closing(name string) string {
	a := m.accounts[name]
	switch {
	case !a.in:
		return "AccountNotFoundException"
	case name == head:
		return constraint
	case a.closed:
		return "AccountAlreadyClosedException"
	}
	m.close(name)
	return ""
}

func (m *model) register(name string) string {
	a := m.accounts[name]
	switch {
	case !a.in:
		return "AccountNotFoundException"
	case name == head, a.closed, !m.trusted:
		return constraint
	case m.registered == name:
		return "AccountAlreadyRegisteredException"
	case m.registered != "":
		return constraint
	}
	m.registered, m.byInspector = name, false
	return ""
}

func (m *model) deregister(name string) string {
	switch {
	case !m.accounts[name].in:
		return "AccountNotFoundException"
	case m.registered != name:
		return "AccountNotRegisteredException"
	}
	m.registered = ""
	m.undesignateAll(name)
	return ""
}

func (m *model) inspector(s step) string {
	r := m.regions[s.region]
	leads := s.caller == r.administrator
	switch s.op {
	case "designate":
		return m.designate(r, s.caller, s.target)
	case "undesignate":
		switch {
		case s.caller != head:
			return no
		case r.administrator != s.target:
			return notFound
		}
		m.undesignate(r)
		return ""
	case "associate", "disassociate", "configure organization", "organization paths":
		if !leads {
			return no
		}
		return m.leading(r, s)
	}
	return m.own(r, s)
}

func (m *model) designate(r *region, caller, target string) string {
	switch {
	case caller != head:
		return no
	case !m.accounts[target].in:
		return notFound
	case m.accounts[target].closed:
		return invalid
	case r.administrator == target:
		return conflict + " already enabled"
	case m.registered != "" && m.registered != target:
		return conflict
	}
	for _, n := range regions {
		if a := m.regions[n].administrator; a != "" && a != target {
			return conflict
		}
	}
	r.administrator, m.trusted = target, true
	if m.registered == "" && target != head {
		m.registered, m.byInspector = target, true
	}
	m.enforce()
	return ""
}

// leading are the operations of a delegated administrator.
func (m *model) leading(r *region, s step) string {
	switch s.op {
	case "associate":
		a := m.accounts[s.target]
		if s.target == s.caller || r.managed(s.target) || !a.in || a.closed {
			return invalid
		}
		r.members[s.target] = "ENABLED"
	case "disassociate":
		if !r.managed(s.target) || m.covered(s.target, s.region) {
			return invalid
		}
		r.release(s.target, "REMOVED")
	case "configure organization":
		return r.configure(s)
	case "organization paths":
		r.organization = s.list
	}
	return ""
}

// configure: EC2 and ECR are always given, the others keep what they were.
func (r *region) configure(s step) string {
	if !r.active(s.caller) {
		return invalid
	}
	next := maps.Clone(r.auto)
	for _, t := range types {
		v, given := s.flags[t]
		if !given && t != "EC2" && t != "ECR" {
			continue
		}
		delete(next, t)
		if v {
			next[t] = true
		}
	}
	if next["LAMBDA_CODE"] && !next["LAMBDA"] {
		return invalid
	}
	r.auto = next
	return ""
}

// own are the operations of every account on itself.
func (m *model) own(r *region, s step) string {
	me := r.at[s.caller]
	member := r.managed(s.caller)
	switch s.op {
	case "configure":
		if member {
			return no
		}
		me.rescan = s.text
	case "paths":
		me.paths = s.list
	case "create filter", "rename filter", "delete filter":
		return me.filter(s, member)
	}
	return ""
}

// filter: s.text is the name, s.target the action, s.list[0] a new name.
func (l *local) filter(s step, member bool) string {
	action := s.list[0]
	old, taken := l.filters[s.text]
	switch {
	case s.op == "create filter":
		if member && action == "SUPPRESS" {
			return no
		}
		if taken {
			return "BadRequestException"
		}
		l.filters[s.text] = action
	case member && old == "SUPPRESS":
		return no
	case s.op == "rename filter":
		if l.filters[action] != "" && action != s.text {
			return "BadRequestException"
		}
		delete(l.filters, s.text)
		l.filters[action] = old
	default:
		delete(l.filters, s.text)
	}
	return ""
}

// scanning predicts Enable and Disable, account by account.
func (m *model) scanning(s step) verdict {
	r := m.regions[s.region]
	targets := s.targets
	if len(targets) == 0 {
		targets = []string{s.caller}
	}
	if s.op == "disable" && r.managed(s.caller) {
		return verdict{code: no}
	}
	if s.op == "enable" && slices.Contains(s.list, "LAMBDA_CODE") && !slices.Contains(s.list, "LAMBDA") {
		for _, t := range targets {
			if m.reaches(r, s.caller, t) == "" && r.status(t, "LAMBDA") == "DISABLED" {
				return verdict{code: invalid}
			}
		}
	}
	v := verdict{failed: map[string]string{}}
	for _, t := range targets {
		why := m.reaches(r, s.caller, t)
		if why == "" && s.op == "enable" {
			why = m.switchOn(r, t, s.list)
		} else if why == "" {
			why = m.switchOff(r, t, s.list)
		}
		if why != "" {
			v.failed[t] = why
		}
	}
	return v
}
