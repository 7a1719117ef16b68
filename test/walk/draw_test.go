package walk

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// dice draws steps that the model can say something about.
type dice struct {
	*rand.Rand
	m      *model
	serial int
	// policies are among the steps.
	policies bool
}

func pick[T any](d *dice, list []T) T { return list[d.IntN(len(list))] }

// kinds are the operations, each as often as it is listed.
var kinds = []string{
	"create unit", "create unit", "delete unit", "move account", "move account", "create account", "create account",
	"leave", "remove", "invite", "invite", "accept", "accept", "decline", "cancel", "close", "trust", "distrust", "register", "deregister",
	"designate", "designate", "designate", "undesignate",
	"associate", "associate", "associate", "associate", "disassociate",
	"enable", "enable", "enable", "enable", "disable", "disable", "disable",
	"configure organization", "configure organization", "configure", "configure", "organization paths", "paths",
	"create filter", "create filter", "rename filter", "delete filter", "crash",
}

// rare operations undo so much that they come less often still.
var rare = map[string]int{"distrust": 3, "deregister": 3, "close": 6, "decline": 3, "cancel": 3, "crash": 2, "undesignate": 2, "leave": 3, "remove": 3}

// next draws a step.
func (d *dice) next() step {
	for {
		op := pick(d, kinds)
		if n := rare[op]; n > 0 && d.IntN(n) > 0 {
			continue
		}
		if d.policies && d.IntN(6) == 0 {
			op = pick(d, policyKinds)
			if op == "disable policies" && d.IntN(6) > 0 || op == "enable policies" && d.m.policing && d.IntN(4) > 0 {
				continue
			}
		}
		if s := d.step(op); d.m.ok(s) {
			return s
		}
	}
}

func (d *dice) step(op string) step {
	s := step{op: op, region: pick(d, regions)}
	r := d.m.regions[s.region]
	switch op {
	case "crash":
		return step{op: op}
	case "create unit", "delete unit", "move account", "create account", "leave", "remove", "close", "trust", "distrust", "register", "deregister", "invite", "accept", "decline", "cancel":
		s.region = ""
		s.caller = d.mostly(head)
		d.organizational(&s)
	case "enable policies", "disable policies", "create policy", "update policy", "delete policy", "attach", "detach":
		s.region, s.caller = "", d.mostly(head)
		d.policyStep(&s)
	case "designate", "undesignate":
		s.caller = d.mostly(head)
		s.target = d.mostly(d.candidate(r))
	case "associate", "disassociate":
		s.caller, s.target = d.mostly(r.administrator), d.anyone()
	case "configure organization":
		s.caller = d.mostly(r.administrator)
		s.flags = map[string]bool{"EC2": d.IntN(2) == 0, "ECR": d.IntN(2) == 0}
		for _, t := range types[2:] {
			if d.IntN(2) == 0 {
				s.flags[t] = d.IntN(2) == 0
			}
		}
	case "organization paths":
		s.caller, s.list = d.mostly(r.administrator), d.paths()
	case "paths":
		s.caller, s.list = d.anyone(), d.paths()
	case "configure":
		s.caller, s.text = d.mostly(r.administrator), pick(d, []string{"LIFETIME", "DAYS_30", "DAYS_180", "DAYS_60"})
	case "enable", "disable":
		d.scanning(&s, r)
	case "create filter", "rename filter", "delete filter":
		s.caller = d.anyone()
		s.text = fmt.Sprintf("filter-%d", d.IntN(4))
		s.list = []string{pick(d, []string{"NONE", "SUPPRESS"})}
		if op == "rename filter" {
			s.list = []string{fmt.Sprintf("filter-%d", d.IntN(4))}
		}
	}
	if op == "enable" || op == "disable" || op == "associate" || op == "undesignate" || op == "distrust" || op == "create account" || slices.Contains(policyKinds, op) {
		// Now and then the server stops while this is under way.
		if d.IntN(12) == 0 {
			s.crash = true
		}
	}
	return s
}

func (d *dice) organizational(s *step) {
	switch s.op {
	case "create unit":
		s.target = pick(d, d.m.unitNames())
		d.serial++
		s.text = fmt.Sprintf("unit-%d", d.serial)
		if siblings := d.children(s.target); len(siblings) > 0 && d.IntN(5) == 0 {
			s.text = pick(d, siblings)
		}
		if len(d.m.units) > 25 { // enough of them
			s.op, s.target, s.text = "delete unit", pick(d, d.m.unitNames()[1:]), ""
		}
	case "delete unit":
		if len(d.m.units) == 0 {
			s.caller = "" // draw again
			return
		}
		s.target = pick(d, d.m.unitNames()[1:])
	case "move account":
		name := d.anyone()
		from := d.m.accounts[name].parent
		if from == "" || d.IntN(8) == 0 {
			from = pick(d, d.m.unitNames())
		}
		s.targets, s.list, s.target = []string{name}, []string{from}, pick(d, d.m.unitNames())
	case "create account":
		d.serial++
		s.text = fmt.Sprintf("member-%d", d.serial)
	case "leave":
		s.caller = d.anyone()
	case "accept", "decline", "cancel":
		s.target = d.invited()
		if s.op != "cancel" {
			s.caller = s.target
		}
	case "invite":
		s.target = d.outsider()
	case "remove", "close":
		s.target = d.anyone()
	case "register", "deregister":
		s.target = d.mostly(d.m.registered)
	}
}

func (d *dice) children(unit string) []string {
	return slices.DeleteFunc(d.m.unitNames()[1:], func(u string) bool { return d.m.units[u] != unit })
}

func (d *dice) anyone() string { return pick(d, d.m.names()) }

// invited is somebody with an invitation, outsider somebody without need of one.
func (d *dice) invited() string {
	if list := slices.Sorted(maps.Keys(d.m.invitations)); len(list) > 0 {
		return pick(d, list)
	}
	return head
}

func (d *dice) outsider() string {
	list := slices.DeleteFunc(d.m.names(), func(n string) bool { return d.m.accounts[n].in })
	if len(list) == 0 || d.IntN(6) == 0 {
		return d.anyone()
	}
	return pick(d, list)
}

// mostly is the name, if it is one, four times in five.
func (d *dice) mostly(name string) string {
	if name == "" || d.IntN(5) == 0 {
		return d.anyone()
	}
	return name
}

// candidate is who is likely to be, or become, the administrator.
func (d *dice) candidate(r *region) string {
	for _, n := range regions {
		if a := d.m.regions[n].administrator; a != "" && (r.administrator != "" || d.IntN(4) > 0) {
			return a
		}
	}
	return d.m.registered
}

func (d *dice) scanning(s *step, r *region) {
	s.caller = d.mostly(r.administrator)
	for range d.IntN(4) {
		if n := d.anyone(); !slices.Contains(s.targets, n) {
			s.targets = append(s.targets, n)
		}
	}
	n := 1 + d.IntN(4)
	if s.op == "disable" {
		n = d.IntN(6)
	}
	for range n {
		if t := pick(d, types); !slices.Contains(s.list, t) {
			s.list = append(s.list, t)
		}
	}
	if s.op == "disable" && d.IntN(3) == 0 {
		s.list = slices.Clone(types)
	}
}

func (d *dice) paths() []string {
	var list []string
	for i := range d.IntN(4) {
		list = append(list, fmt.Sprintf("/opt/app-%d-%d", i, d.IntN(9)))
	}
	return list
}
