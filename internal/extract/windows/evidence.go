package windows

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"muster/internal/extract/bounded"
	"muster/internal/inventory"
)

// MaxFile bounds the document, in bytes; maxFixes and maxProducts what is read of it.
const (
	MaxFile     = 4 << 20
	maxFixes    = 10_000
	maxProducts = 10_000
)

// ErrEvidence says that bytes are no evidence of a Windows machine.
var ErrEvidence = errors.New("not a Windows machine's evidence")

// evidence is the document.
type evidence struct {
	// CurrentVersion are the values of
	// HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion.
	CurrentVersion *struct {
		ProductName      string   `json:"ProductName"`
		Major            number64 `json:"CurrentMajorVersionNumber"`
		Minor            number64 `json:"CurrentMinorVersionNumber"`
		Version          string   `json:"CurrentVersion"`
		Build            number64 `json:"CurrentBuild"`
		Revision         number64 `json:"UBR"`
		Display          string   `json:"DisplayVersion"`
		ReleaseID        string   `json:"ReleaseId"`
		InstallationType string   `json:"InstallationType"`
	} `json:"currentVersion"`
	// Architecture is PROCESSOR_ARCHITECTURE: AMD64, ARM64, x86.
	Architecture string `json:"architecture"`
	// HotFixes are the installed updates, as Get-HotFix lists them.
	HotFixes []string `json:"hotFixes"`
	// Products are further products by Microsoft's name for them, with their
	// builds: ".NET Framework 4.8 on Windows Server 2019".
	Products []struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"products"`
}

// number64 is a number that PowerShell writes as one, the registry as text.
type number64 int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number64) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "null" || text == "" {
		return nil
	}
	v, err := strconv.ParseInt(text, 10, 32)
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no build number", text)
	}
	*n = number64(v)
	return nil
}

// Looks reports whether a file that begins so may be such evidence.
func Looks(start []byte) bool {
	text := strings.TrimLeft(strings.TrimPrefix(string(start), "\ufeff"), " \t\r\n")
	return strings.HasPrefix(text, "{") && strings.Contains(text, `"currentVersion"`) && strings.Contains(text, `"CurrentBuild"`)
}

// Parse makes the inventory: Windows itself, with its build and the updates
// beside it, and the further products.
func Parse(r io.Reader) (inventory.Inventory, error) {
	var inv inventory.Inventory
	data, err := io.ReadAll(bounded.Reader(r, MaxFile))
	if err != nil {
		return inv, err
	}
	var e evidence
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(data), "\ufeff")), &e); err != nil {
		return inv, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	v := e.CurrentVersion
	if v == nil || v.Build == 0 {
		return inv, fmt.Errorf("%w: currentVersion has no CurrentBuild", ErrEvidence)
	}
	if len(e.HotFixes) > maxFixes || len(e.Products) > maxProducts {
		return inv, fmt.Errorf("%w: %d updates and %d products, at most %d of each", ErrEvidence, len(e.HotFixes), len(e.Products), maxFixes)
	}
	var fixes []string
	for _, text := range e.HotFixes {
		if id, ok := KB(text); ok {
			fixes = append(fixes, id)
		}
	}
	major, minor := int64(v.Major), int64(v.Minor)
	if major == 0 { // before Windows 10 there is only the text
		if n, err := fmt.Sscanf(v.Version, "%d.%d", &major, &minor); err != nil || n != 2 {
			return inv, fmt.Errorf("%w: currentVersion has no CurrentMajorVersionNumber", ErrEvidence)
		}
	}
	full := fmt.Sprintf("%d.%d.%d.%d", major, minor, v.Build, v.Revision)
	inv.OS = System(v.ProductName, full, e.Architecture)
	add := func(name, version string) {
		inv.Items = append(inv.Items, inventory.Item{Component: inventory.Component{
			Ecosystem: Ecosystem, Name: name, Version: version, Arch: inv.OS.Arch, Source: name, SourceVersion: version,
			Module: JoinUpdates(fixes), Manager: inventory.ManagerOS,
		}})
	}
	display := v.Display
	if display == "" {
		display = v.ReleaseID
	}
	product := Product(v.ProductName, int64(v.Build), display, e.Architecture, v.InstallationType)
	if product == "" {
		inv.Notes = append(inv.Notes, fmt.Sprintf("Microsoft's name of %.100q, build %s, is not known: nothing judges it", v.ProductName, full))
		product = "Windows"
	}
	add(product, full)
	for _, p := range e.Products {
		if name := ProductName(p.Name); name != "" && IsBuild(p.Version) {
			add(name, p.Version)
		}
	}
	limits := inventory.DefaultLimits()
	for _, it := range inv.Items {
		if !limits.Fits(it) {
			return inventory.Inventory{}, fmt.Errorf("%w: the name of a product is malformed or too long", ErrEvidence)
		}
	}
	inv.Sort()
	return inv, nil
}
