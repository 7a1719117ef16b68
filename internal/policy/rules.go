package policy

import (
	"slices"
	"strings"
)

// rule says what is wrong with a document of certain kinds, "" for nothing.
type rule struct {
	kinds kinds
	check func(*written) string
}

// kinds is a set with the bit 1<<k for the Kind k.
type kinds uint8

const (
	anyKind    kinds = 1<<Identity | 1<<Managed | 1<<Trust | 1<<Control | 1<<Resource
	identities kinds = 1<<Identity | 1<<Managed
)

// rules are in IAM's order, as far as its answers to documents with two faults
// tell it.
func rules() []rule {
	return []rule{
		{1<<Managed | 1<<Control, currentVersion},
		{anyKind, legacyParsing},
		{anyKind, uniqueSids},
		{identities, alphanumericSids},
		{identities | 1<<Control, noPrincipal},
		{anyKind, someActions},
		{1 << Trust, noResources},
		{anyKind, wellFormedResources},
		{1 << Trust, actionsOfSTS},
		{anyKind, wellFormedActions},
		{anyKind &^ (1 << Trust), someResources},
		{1<<Trust | 1<<Resource, somePrincipal},
	}
}

const failedLegacyParsing = "The policy failed legacy parsing"

// first is the first fault in any statement.
func (w *written) first(fault func(*writtenStatement) string) string {
	for i := range w.statements {
		if f := fault(&w.statements[i]); f != "" {
			return f
		}
	}
	return ""
}

// whether tells a fault of the first statement that has it.
func (w *written) whether(has func(*writtenStatement) bool, fault string) string {
	return w.first(func(s *writtenStatement) string {
		if has(s) {
			return fault
		}
		return ""
	})
}

func currentVersion(w *written) string {
	if w.version != version2012 {
		return "Policy document must be version 2012-10-17 or greater."
	}
	return ""
}

// legacyParsing is IAM's second look, at values: effects in the right letter
// case, condition values of their operator's type, and ARNs, unless an ARN
// before has a fault with a text of its own.
func legacyParsing(w *written) string {
	wrong := w.whether(func(s *writtenStatement) bool {
		return s.effect != "Allow" && s.effect != "Deny" ||
			slices.ContainsFunc(s.conditions, func(c writtenCondition) bool { return !c.wellTyped(w.version == version2012) })
	}, failedLegacyParsing)
	if wrong == "" && wellFormedResources(w) == failedLegacyParsing {
		return failedLegacyParsing
	}
	return wrong
}

func uniqueSids(w *written) string {
	seen := map[string]bool{"": true}
	return w.whether(func(s *writtenStatement) bool {
		again := s.sid != "" && seen[s.sid]
		seen[s.sid] = true
		return again
	}, "Statement IDs (SID) in a single policy must be unique.")
}

func alphanumericSids(w *written) string {
	return w.whether(func(s *writtenStatement) bool { return strings.ContainsFunc(s.sid, notAlphanumeric) },
		"Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
}

func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

func noPrincipal(w *written) string {
	return w.whether(func(s *writtenStatement) bool { return s.principal.present },
		"Policy document should not specify a principal.")
}

func somePrincipal(w *written) string {
	return w.whether(func(s *writtenStatement) bool { return !s.principal.present },
		"Missing required field Principal")
}

func someActions(w *written) string {
	return w.whether(func(s *writtenStatement) bool { return len(s.action.values) == 0 },
		"Policy statement must contain actions.")
}

func someResources(w *written) string {
	return w.whether(func(s *writtenStatement) bool { return len(s.resource.values) == 0 },
		"Policy statement must contain resources.")
}

func noResources(w *written) string {
	return w.whether(func(s *writtenStatement) bool { return s.resource.present },
		"Has prohibited field Resource")
}

func wellFormedResources(w *written) string {
	return w.first(func(s *writtenStatement) string { return firstOf(s.resource.values, resourceFault) })
}

func wellFormedActions(w *written) string {
	return w.first(func(s *writtenStatement) string { return firstOf(s.action.values, actionFault) })
}

func actionsOfSTS(w *written) string {
	return w.whether(func(s *writtenStatement) bool {
		return slices.ContainsFunc(s.action.values, func(v string) bool {
			vendor, _, _ := strings.Cut(v, ":")
			return !strings.EqualFold(vendor, "sts")
		})
	}, "AssumeRole policy may only specify STS AssumeRole actions.")
}

func firstOf(values []string, fault func(string) string) string {
	for _, v := range values {
		if f := fault(v); f != "" {
			return f
		}
	}
	return ""
}

func actionFault(v string) string {
	vendor, name, ok := strings.Cut(v, ":")
	switch {
	case v == "*", v == "*:*":
		return ""
	case !ok || name == "":
		return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	case strings.Contains(name, ":"):
		return "Actions/Condition can contain only one colon."
	case vendor == "" || strings.ContainsFunc(vendor, func(r rune) bool { return r != '-' && r != '.' && notAlphanumeric(r) }):
		return "Vendor " + vendor + " is not valid"
	}
	return ""
}
