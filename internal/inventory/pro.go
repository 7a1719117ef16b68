package inventory

import "strings"

// The ecosystems of Ubuntu's packages, by what the system may install.
const (
	ubuntu    = "Ubuntu:"
	ubuntuPro = "Ubuntu:Pro:"
)

// ShowsPro reports whether a package came from Ubuntu Pro: its version says
// esm. Then the system was attached to Pro, and more fixes are to be had.
func (inv *Inventory) ShowsPro() bool {
	for i := range inv.Items {
		it := &inv.Items[i]
		if it.Manager == ManagerOS && strings.HasPrefix(it.Ecosystem, ubuntu) && strings.Contains(it.Version, "esm") {
			return true
		}
	}
	return false
}

// AttachPro makes Ubuntu Pro's advisories judge the system's packages, because
// it can install what Pro fixes. Other systems stay as they are.
func (inv *Inventory) AttachPro() {
	inv.OS.Ecosystem = withPro(inv.OS.Ecosystem)
	for i := range inv.Items {
		if it := &inv.Items[i]; it.Manager == ManagerOS {
			it.Ecosystem = withPro(it.Ecosystem)
		}
	}
}

func withPro(ecosystem string) string {
	release, ok := strings.CutPrefix(ecosystem, ubuntu)
	if !ok || strings.HasPrefix(ecosystem, ubuntuPro) {
		return ecosystem
	}
	return ubuntuPro + release
}

// WithoutPro is the component as a system that is not attached has it.
func (c Component) WithoutPro() Component {
	if release, ok := strings.CutPrefix(c.Ecosystem, ubuntuPro); ok {
		c.Ecosystem = ubuntu + release
	}
	return c
}
