package orgpolicy

import (
	"maps"
	"slices"
)

// AllSupported stands for every Region in an Inspector policy, those of the
// future included.
const AllSupported = "ALL_SUPPORTED"

// The names of an Inspector policy.
const (
	enableIn  = "enable_in_regions"
	disableIn = "disable_in_regions"
)

// inspectorTypes are the scan types that an Inspector policy may name under
// inspector.enablement, and lambdaCode the one that lies within another.
var inspectorTypes = []string{"ec2_scanning", "ecr_scanning", "code_repository_scanning", lambdaStandard}

const (
	lambdaStandard = "lambda_standard_scanning"
	lambdaCode     = "lambda_code_scanning"
)

// CheckTop checks that nothing but one name stands at the top of a document.
func (d *Document) CheckTop(name string) error {
	for other := range d.root.children {
		if other != name {
			return &Malformed{other, "the only name at the top of this policy type is " + name}
		}
	}
	return nil
}

// CheckInspector checks the schema of an Inspector policy: the scan types that
// exist, each with both lists, of Regions that known knows or AllSupported. The
// error is a *Malformed.
func (d *Document) CheckInspector(known func(region string) bool) error {
	if err := d.CheckTop("inspector"); err != nil {
		return err
	}
	inspector := d.root.children["inspector"]
	if inspector == nil {
		return &Malformed{"inspector", "is missing"}
	}
	if err := inspector.only("inspector", "enablement"); err != nil {
		return err
	}
	enablement := inspector.children["enablement"]
	if enablement == nil {
		return &Malformed{"inspector.enablement", "is missing"}
	}
	const path = "inspector.enablement"
	if err := enablement.only(path, inspectorTypes...); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(enablement.children)) {
		if err := enablement.children[name].checkScanType(join(path, name), name == lambdaStandard, known); err != nil {
			return err
		}
	}
	return nil
}

// only refuses operators with values, and names other than those given.
func (e *element) only(path string, names ...string) error {
	if e.setting() {
		return &Malformed{path, "holds names, not values"}
	}
	for _, name := range slices.Sorted(maps.Keys(e.children)) {
		if !slices.Contains(names, name) {
			return &Malformed{join(path, name), "is not known here"}
		}
	}
	return nil
}

// checkScanType checks one scan type; lambda's may hold another one.
func (e *element) checkScanType(path string, lambda bool, known func(string) bool) error {
	names := []string{enableIn, disableIn}
	if lambda {
		names = append(names, lambdaCode)
	}
	if err := e.only(path, names...); err != nil {
		return err
	}
	for _, name := range []string{enableIn, disableIn} {
		list := e.children[name]
		if list == nil || !list.setting() {
			return &Malformed{join(path, name), "is missing: each scan type needs both lists"}
		}
		if err := list.checkRegions(join(path, name), known); err != nil {
			return err
		}
	}
	if code := e.children[lambdaCode]; code != nil {
		return code.checkScanType(join(path, lambdaCode), false, known)
	}
	return nil
}

func (e *element) checkRegions(path string, known func(string) bool) error {
	for _, op := range []operators{assign, appending, remove} {
		operand, given := e.values[op]
		if !given {
			continue
		}
		list, ok := operand.([]any)
		if !ok {
			return &Malformed{path, "takes a list of Regions"}
		}
		for _, item := range list {
			region, ok := item.(string)
			if !ok || region != AllSupported && !known(region) {
				return &Malformed{path, "takes names of supported Regions, or " + AllSupported}
			}
		}
	}
	return nil
}
