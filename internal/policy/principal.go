package policy

import (
	"slices"
	"strings"

	"muster/internal/arn"
)

// principals is the Principal or NotPrincipal element.
type principals struct {
	not    bool
	anyone bool
	// aws holds ARNs, account ids and "*" as written.
	aws []string
	// federated holds identity providers, by their ARNs or names.
	federated []string
	// others holds services and canonical users, which never sign requests to
	// muster: they match nobody.
	others bool
}

// grant says how a statement's principal fits the caller.
type grant uint8

const (
	// noGrant: the statement is not about the caller.
	noGrant grant = iota
	// delegated: it names the caller's account, whose own policies then have
	// to allow.
	delegated
	// direct: it names the caller's role, or everyone.
	direct
	// exact: it names the very user or session, whom neither a boundary nor,
	// for sessions, a session policy can then keep out by silence.
	exact
)

func (p *principals) match(who arn.Principal) grant {
	if p == nil {
		return direct
	}
	best := noGrant
	if p.anyone {
		best = direct
	}
	for _, written := range p.aws {
		best = max(best, matchPrincipal(written, who))
	}
	if who.Kind == arn.WebIdentity && slices.Contains(p.federated, string(who.ARN)) {
		best = max(best, direct)
	}
	if !p.not {
		return best
	}
	if best == noGrant {
		return direct
	}
	return noGrant
}

func matchPrincipal(written string, who arn.Principal) grant {
	switch {
	case written == "*":
		return direct
	case written == string(who.Account), written == string(who.Account.Root()):
		if who.Kind == arn.RootUser {
			return direct
		}
		return delegated
	case written == string(who.ARN):
		return exact
	case who.RoleARN != "" && written == string(who.RoleARN):
		return direct
	}
	return noGrant
}

func parsePrincipal(n node, not bool) (*principals, error) {
	p := &principals{not: not}
	if n.kind == '"' {
		if n.text != "*" {
			return nil, &Malformed{`Invalid principal in policy.`}
		}
		p.anyone = true
		return p, nil
	}
	if n.kind != '{' || len(n.items) == 0 {
		return nil, syntaxError()
	}
	for i, name := range n.names {
		values, ok := n.items[i].strings()
		if !ok || len(values) == 0 {
			return nil, syntaxError()
		}
		if err := p.add(name, values); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *principals) add(name string, values []string) error {
	switch name {
	case "AWS":
		for _, v := range values {
			if !validAWSPrincipal(v) {
				return &Malformed{`Invalid principal in policy: "AWS":"` + v + `"`}
			}
		}
		p.aws = append(p.aws, values...)
	case "Service":
		for _, v := range values {
			if !strings.Contains(v, ".") || strings.ContainsAny(v, "*? ") {
				return &Malformed{`Invalid principal in policy: "SERVICE":"` + v + `"`}
			}
		}
		p.others = true
	case "Federated":
		p.federated = append(p.federated, values...)
	case "CanonicalUser":
		p.others = true
	default:
		return &Malformed{"Unknown field " + name}
	}
	return nil
}

// validAWSPrincipal accepts "*", an account id, and ARNs of the root user,
// users, roles and assumed-role sessions, without wildcards.
func validAWSPrincipal(v string) bool {
	if v == "*" || arn.AccountID(v).Valid() {
		return true
	}
	parts, err := arn.Parse(arn.ARN(v))
	if err != nil || !parts.Account.Valid() || strings.ContainsAny(v, "*?") {
		return false
	}
	kind, name, _ := strings.Cut(parts.Resource, "/")
	switch parts.Service {
	case "iam":
		return parts.Resource == "root" || slices.Contains([]string{"user", "role"}, kind) && name != ""
	case "sts":
		return slices.Contains([]string{"assumed-role", "federated-user"}, kind) && name != ""
	}
	return false
}
