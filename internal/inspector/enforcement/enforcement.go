// Package enforcement knows what an effective INSPECTOR_POLICY wants of an
// account: which scan types are on, off or left alone in a Region, and which
// transitions that takes (section 5.4 of the specification). It is pure.
package enforcement

import (
	"encoding/json"
	"fmt"
	"slices"

	"muster/internal/arn"
	"muster/internal/store/activation"
)

// Everywhere stands for every Region, present and future.
const Everywhere = "ALL_SUPPORTED"

// Verdict is what a policy wants of a scan type in a Region.
type Verdict uint8

// The verdicts.
const (
	// Unmanaged types follow the normal rules.
	Unmanaged Verdict = iota
	On
	Off
)

// Rule are the two lists of a scan type; entries are Regions or Everywhere.
type Rule struct {
	Enable  []string `json:"enable,omitempty"`
	Disable []string `json:"disable,omitempty"`
}

func (r Rule) verdict(region arn.Region) Verdict {
	in := func(list []string) bool {
		return slices.Contains(list, string(region)) || slices.Contains(list, Everywhere)
	}
	switch {
	case in(r.Disable):
		return Off // Disabling wins.
	case in(r.Enable):
		return On
	}
	return Unmanaged
}

// Policy is an effective policy by scan type. The zero value manages nothing.
type Policy map[activation.ScanType]Rule

// lists are a type's Regions in a document.
type lists struct {
	Enable  []string `json:"enable_in_regions"`
	Disable []string `json:"disable_in_regions"`
}

func (l *lists) rule(p Policy, t activation.ScanType) {
	if l != nil && len(l.Enable)+len(l.Disable) > 0 {
		p[t] = Rule(*l)
	}
}

// Read reads an effective policy: one without operators.
func Read(effective []byte) (Policy, error) {
	var document struct {
		Inspector struct {
			Enablement struct {
				EC2            *lists `json:"ec2_scanning"`
				ECR            *lists `json:"ecr_scanning"`
				CodeRepository *lists `json:"code_repository_scanning"`
				Lambda         *struct {
					lists
					Code *lists `json:"lambda_code_scanning"`
				} `json:"lambda_standard_scanning"`
			} `json:"enablement"`
		} `json:"inspector"`
	}
	if err := json.Unmarshal(effective, &document); err != nil {
		return nil, fmt.Errorf("effective Inspector policy: %w", err)
	}
	p, e := Policy{}, &document.Inspector.Enablement
	e.EC2.rule(p, activation.EC2)
	e.ECR.rule(p, activation.ECR)
	e.CodeRepository.rule(p, activation.CodeRepository)
	if e.Lambda != nil {
		e.Lambda.rule(p, activation.Lambda)
		e.Lambda.Code.rule(p, activation.LambdaCode)
	}
	return p, nil
}

// Reader is Read for many accounts: it reads equal policies that follow each
// other once.
type Reader struct {
	text   string
	policy Policy
}

// Read is the function Read.
func (r *Reader) Read(effective string) (Policy, error) {
	if r.text == effective {
		return r.policy, nil
	}
	p, err := Read([]byte(effective))
	r.text, r.policy = effective, p
	return p, err
}

// Encode is the policy's stored form.
func (p Policy) Encode() (string, error) {
	text, err := json.Marshal(p)
	return string(text), err
}

// Decode reads the stored form; "" is no policy.
func Decode(text string) (p Policy, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, fmt.Errorf("stored Inspector policy: %w", err)
	}
	return p, nil
}

// Verdict is what the policy wants of a type in a Region. The code of functions
// goes off with functions.
func (p Policy) Verdict(region arn.Region, t activation.ScanType) Verdict {
	if t == activation.LambdaCode && p[activation.Lambda].verdict(region) == Off {
		return Off
	}
	return p[t].verdict(region)
}

// Manages reports whether a type is under the policy in a Region.
func (p Policy) Manages(region arn.Region, t activation.ScanType) bool {
	return p.Verdict(region, t) != Unmanaged
}

// Covers reports whether any type is.
func (p Policy) Covers(region arn.Region) bool {
	return slices.ContainsFunc(activation.ScanTypes(), func(t activation.ScanType) bool { return p.Manages(region, t) })
}

// Unmanaged are those of the types that the policy leaves alone in a Region.
func (p Policy) Unmanaged(region arn.Region, types []activation.ScanType) []activation.ScanType {
	return slices.DeleteFunc(slices.Clone(types), func(t activation.ScanType) bool { return p.Manages(region, t) })
}

// Regions are those of the Regions in which the policy covers anything.
func (p Policy) Regions(among []arn.Region) []arn.Region {
	if len(p) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(among), func(r arn.Region) bool { return !p.Covers(r) })
}

// Wants returns the types to switch on and off now. A type in transition waits
// for its end, a suspended one for the account; the code of functions waits
// until functions are scanned.
func (p Policy) Wants(region arn.Region, scans activation.Scans) (on, off []activation.ScanType) {
	functions := scans.Status(activation.Lambda)
	for _, t := range activation.ScanTypes() {
		switch verdict, status := p.Verdict(region, t), scans.Status(t); {
		case verdict == Off && status == activation.Enabled:
			off = append(off, t)
		case verdict != On || status != activation.Disabled:
		case t == activation.LambdaCode && functions != activation.Enabled && functions != activation.Enabling && !slices.Contains(on, activation.Lambda):
		default:
			on = append(on, t)
		}
	}
	return on, off
}
