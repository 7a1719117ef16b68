package finding

import (
	"strings"
	"time"

	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
)

// Environment is what is known of the place of a flaw beside the flaw: what a
// base score is adapted to (scanning specification 5.3). The zero value knows
// nothing and changes nothing.
type Environment struct {
	// Reach says from where an instance can be reached over a network, Path
	// how, where it is the internet: "igw-1 on port 22".
	Reach Reach
	Path  string
	// Maturity is how far exploits are known to be, KEV the entry in CISA's
	// catalogue.
	Maturity Maturity
	KEV      *KEV
	// EPSS is the probability of exploitation as of ScoredAt; PublishedAt is
	// when the vulnerability was published.
	EPSS                  *float64
	ScoredAt, PublishedAt time.Time
	// Fix is whether there is one; empty adjusts nothing.
	Fix Availability
}

// Reach is how far away those may be who can reach a resource.
type Reach string

// The reaches. Inside means that no path leads in from outside its VPC.
const (
	ReachUnknown  Reach = ""
	ReachInternet Reach = "INTERNET"
	ReachAdjacent Reach = "ADJACENT"
	ReachInside   Reach = "INSIDE"
)

// Maturity is how far exploits of a vulnerability are known to be.
type Maturity string

// The maturities: used in attacks, a public exploit, a proof that it can be
// done; none is known.
const (
	MaturityNone      Maturity = ""
	MaturityProof     Maturity = "PROOF_OF_CONCEPT"
	MaturityExploit   Maturity = "EXPLOIT"
	MaturityExploited Maturity = "EXPLOITED"
)

// Below unlikely, EPSS says that nobody tries; a vulnerability older than
// settled has been looked at long enough to believe that.
const (
	unlikely = 0.01
	settled  = 90 * 24 * time.Hour
)

// vector is a CVSS 3 vector of either version.
type vector interface {
	Get(metric string) (string, error)
	Set(metric, value string) error
	EnvironmentalScore() float64
	Vector() string
}

// Adjust adapts a score of CVSS 3 to where the flaw is, by the arithmetic of
// CVSS: the value becomes the environmental score of the changed vector, and
// every change is told with its reason. Scores of other versions stay.
func (s Score) Adjust(env Environment) Score {
	var v vector
	var err error
	switch s.Version {
	case "3.1":
		v, err = gocvss31.ParseVector(s.Vector)
	case "3.0":
		v, err = gocvss30.ParseVector(s.Vector)
	default:
		return s
	}
	if err != nil {
		return s
	}
	a := adjuster{vector: v}
	a.network(env)
	a.exploits(env)
	a.fix(env.Fix)
	if a.failed || len(a.made) == 0 {
		return s
	}
	s.Value, s.Vector, s.Adjustments = v.EnvironmentalScore(), v.Vector(), a.made
	return s
}

// adjuster changes a vector and notes why.
type adjuster struct {
	vector vector
	made   []Adjustment
	failed bool
}

// note records an adjustment that sets a metric; an empty one only explains.
func (a *adjuster) note(name, metric, value, reason string) {
	if metric != "" {
		a.failed = a.failed || a.vector.Set(metric, value) != nil
	}
	a.made = append(a.made, Adjustment{Metric: name, Reason: reason})
}

// network: what is exploited over a network is further away where no path
// leads in from the internet.
func (a *adjuster) network(env Environment) {
	const name = "AttackVector"
	if av, err := a.vector.Get("AV"); err != nil || av != "N" {
		return
	}
	switch env.Reach {
	case ReachInternet:
		reason := "reachable from the internet"
		if env.Path != "" {
			reason += " by " + env.Path
		}
		a.note(name, "", "", reason)
	case ReachAdjacent:
		a.note(name, "MAV", "A", "no internet path to this resource")
	case ReachInside:
		a.note(name, "MAV", "L", "no network path from outside its VPC")
	case ReachUnknown:
	}
}

func (a *adjuster) exploits(env Environment) {
	const name, metric = "ExploitCodeMaturity", "E"
	switch {
	case env.KEV != nil && !env.KEV.AddedAt.IsZero():
		a.note(name, metric, "H", "listed by CISA as exploited on "+env.KEV.AddedAt.Format(time.DateOnly))
	case env.KEV != nil, env.Maturity == MaturityExploited:
		a.note(name, metric, "H", "exploitation has been observed")
	case env.Maturity == MaturityExploit:
		a.note(name, metric, "F", "a public exploit is indexed")
	case env.Maturity == MaturityProof:
		a.note(name, metric, "P", "a proof of concept is public")
	case env.unexploited():
		a.note(name, metric, "U", "no exploit is known, EPSS is below 1 %, and it was published more than 90 days before")
	}
}

func (env *Environment) unexploited() bool {
	return env.EPSS != nil && *env.EPSS < unlikely && !env.PublishedAt.IsZero() && env.ScoredAt.Sub(env.PublishedAt) > settled
}

func (a *adjuster) fix(fix Availability) {
	const name, metric = "RemediationLevel", "RL"
	switch fix {
	case Yes, Partial:
		a.note(name, metric, "O", "a fix is released")
	case No:
		a.note(name, metric, "U", "no fix is released")
	}
}

// Explained is the adjustments in one line, for people; empty without any.
func (s *Score) Explained() string {
	var parts []string
	for _, a := range s.Adjustments {
		parts = append(parts, a.Metric+": "+a.Reason)
	}
	return strings.Join(parts, "; ")
}
