package agentwire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"muster/internal/inventory"
)

// OS is inventory.OS on the wire.
type OS struct {
	ID         string `json:"id,omitempty"`
	VersionID  string `json:"versionId,omitempty"`
	Codename   string `json:"codename,omitempty"`
	PrettyName string `json:"prettyName,omitempty"`
	Ecosystem  string `json:"ecosystem,omitempty"`
	Platform   string `json:"platform,omitempty"`
	Kernel     string `json:"kernel,omitempty"`
	Arch       string `json:"arch,omitempty"`
}

// NewOS is the wire form of o.
func NewOS(o inventory.OS) OS { return OS(o) }

func (o OS) inventory() inventory.OS { return inventory.OS(o) }

// wirePackage is inventory.Item on the wire.
type wirePackage struct {
	Ecosystem     string `json:"ecosystem,omitempty"`
	Name          string `json:"name"`
	Version       string `json:"version"`
	Arch          string `json:"arch,omitempty"`
	Source        string `json:"source,omitempty"`
	SourceVersion string `json:"sourceVersion,omitempty"`
	Module        string `json:"module,omitempty"`
	Manager       string `json:"manager,omitempty"`
	Path          string `json:"path,omitempty"`
	Layer         string `json:"layer,omitempty"`
	Role          string `json:"role,omitempty"`
	OwnedBy       string `json:"ownedBy,omitempty"`
}

// wireInventory is the encoded form; decoding goes token by token instead, so
// that too many packages are noticed before they are held.
type wireInventory struct {
	OS       OS            `json:"os"`
	Notes    []string      `json:"notes,omitempty"`
	Packages []wirePackage `json:"packages"`
}

type wireReport struct {
	HostID        HostID         `json:"hostId"`
	Sequence      int64          `json:"sequence"`
	CollectedAt   time.Time      `json:"collectedAt"`
	AgentVersion  string         `json:"agentVersion,omitempty"`
	InventoryHash string         `json:"inventoryHash"`
	Inventory     *wireInventory `json:"inventory,omitempty"`
	Delta         *wireDelta     `json:"delta,omitempty"`
	Stopping      bool           `json:"stopping,omitempty"`
	EvidenceHash  string         `json:"evidenceHash,omitempty"`
	Evidence      *Evidence      `json:"evidence,omitempty"`
}

// EncodeInventory is the JSON form of inv:
//
//	{"os":{…},"notes":[…],"packages":[{"ecosystem":"Debian:12","name":"bash",…},…]}
func EncodeInventory(inv inventory.Inventory) ([]byte, error) {
	return json.Marshal(newWireInventory(inv))
}

// EncodeReport is the JSON body of a report.
func EncodeReport(r *Report) ([]byte, error) {
	w := wireReport{r.HostID, r.Sequence, r.CollectedAt, r.AgentVersion, r.InventoryHash, nil, newWireDelta(r.Delta), r.Stopping, r.EvidenceHash, r.Evidence}
	if r.Inventory != nil {
		w.Inventory = newWireInventory(*r.Inventory)
	}
	return json.Marshal(w)
}

func newWireInventory(inv inventory.Inventory) *wireInventory {
	w := &wireInventory{OS: NewOS(inv.OS), Notes: inv.Notes, Packages: make([]wirePackage, len(inv.Items))}
	for i, it := range inv.Items {
		w.Packages[i] = wirePackage{it.Ecosystem, it.Name, it.Version, it.Arch, it.Source, it.SourceVersion,
			it.Module, string(it.Manager), it.Path, it.Layer, string(it.Role), it.OwnedBy}
	}
	return w
}

// DecodeInventory reads one inventory and nothing after it. It stops as soon
// as there are more packages than the limits allow; everything else that is
// wrong with the content is named at once by an *InvalidError.
func DecodeInventory(r io.Reader, l inventory.Limits) (inventory.Inventory, error) {
	d := newDecoder(r, l)
	inv, err := d.inventory()
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return inventory.Inventory{}, fmt.Errorf("inventory: %w", err)
	}
	if bad := inv.Violations(l, maxViolations); bad != nil {
		return inventory.Inventory{}, &InvalidError{bad}
	}
	return inv, nil
}

// DecodeReport reads the body of a report and nothing after it, with
// DecodeInventory's refusals. A content whose hash is not InventoryHash is
// refused too.
func DecodeReport(r io.Reader, l inventory.Limits) (*Report, error) {
	d := newDecoder(r, l)
	rep, err := d.report()
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	if bad := rep.violations(l); bad != nil {
		return nil, &InvalidError{bad}
	}
	return rep, nil
}

func (r *Report) violations(l inventory.Limits) []string {
	var bad []string
	if _, err := ParseHostID(string(r.HostID)); err != nil {
		bad = append(bad, "hostId: "+err.Error())
	}
	if r.Sequence <= 0 {
		bad = append(bad, fmt.Sprintf("sequence: %d, want a positive number", r.Sequence))
	}
	if r.CollectedAt.IsZero() {
		bad = append(bad, "collectedAt: missing")
	}
	if len(r.AgentVersion) > MaxAgentVersion || !printable(r.AgentVersion) {
		bad = append(bad, fmt.Sprintf("agentVersion: want at most %d printable bytes", MaxAgentVersion))
	}
	if len(r.InventoryHash) != 64 || !isHex(r.InventoryHash) {
		bad = append(bad, "inventoryHash: want 64 hexadecimal digits")
	}
	bad = append(bad, r.evidenceViolations()...)
	if r.Delta != nil && r.Inventory != nil {
		bad = append(bad, "delta: not beside an inventory")
	} else if r.Delta != nil {
		bad = append(bad, r.Delta.violations(l)...)
	}
	if r.Inventory == nil {
		return bad
	}
	bad = append(bad, r.Inventory.Violations(l, maxViolations)...)
	if bad == nil && r.Inventory.Hash() != r.InventoryHash {
		bad = append(bad, "inventoryHash: not the hash of the inventory sent")
	}
	return bad
}

func (r *Report) evidenceViolations() []string {
	switch {
	case r.EvidenceHash != "" && (len(r.EvidenceHash) != 64 || !isHex(r.EvidenceHash)):
		return []string{"evidenceHash: want 64 hexadecimal digits"}
	case r.Evidence == nil:
		return nil
	}
	bad := r.Evidence.violations()
	if bad == nil && r.Evidence.Hash() != r.EvidenceHash {
		bad = append(bad, "evidenceHash: not the hash of the evidence sent")
	}
	return bad
}

// decoder reads the wire form as a stream.
type decoder struct {
	json   *json.Decoder
	limits inventory.Limits
	// seen keeps one copy of the strings that repeat from package to package.
	seen map[string]string
}

func newDecoder(r io.Reader, l inventory.Limits) *decoder {
	return &decoder{json.NewDecoder(r), l, map[string]string{}}
}

func (d *decoder) end() error {
	if _, err := d.json.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("more data after the end")
		}
		return err
	}
	return nil
}

func (d *decoder) report() (*Report, error) {
	r := &Report{}
	err := d.object(func(member string) error {
		switch member {
		case "hostId":
			return d.json.Decode(&r.HostID)
		case "sequence":
			return d.json.Decode(&r.Sequence)
		case "collectedAt":
			return d.json.Decode(&r.CollectedAt)
		case "agentVersion":
			return d.json.Decode(&r.AgentVersion)
		case "inventoryHash":
			return d.json.Decode(&r.InventoryHash)
		case "inventory":
			inv, err := d.inventory()
			r.Inventory = &inv
			return err
		case "delta":
			delta, err := d.delta()
			r.Delta = delta
			return err
		case "stopping":
			return d.json.Decode(&r.Stopping)
		case "evidenceHash":
			return d.json.Decode(&r.EvidenceHash)
		case "evidence":
			return d.json.Decode(&r.Evidence)
		}
		return d.skip()
	})
	return r, err
}

func (d *decoder) inventory() (inventory.Inventory, error) {
	var inv inventory.Inventory
	err := d.object(func(member string) error { return d.inventoryMember(member, &inv) })
	return inv, err
}

func (d *decoder) inventoryMember(member string, inv *inventory.Inventory) error {
	switch member {
	case "os":
		var o OS
		err := d.json.Decode(&o)
		inv.OS = o.inventory()
		return err
	case "notes":
		return d.array(d.limits.Notes, func() error {
			var n string
			err := d.json.Decode(&n)
			inv.Notes = append(inv.Notes, n)
			return err
		})
	case "packages":
		return d.array(d.limits.Items, func() error {
			var p wirePackage
			err := d.json.Decode(&p)
			inv.Items = append(inv.Items, d.item(p))
			return err
		})
	}
	return d.skip()
}

func (d *decoder) item(p wirePackage) inventory.Item {
	return inventory.Item{
		Component: inventory.Component{
			Ecosystem: d.intern(p.Ecosystem), Name: p.Name, Version: p.Version, Arch: d.intern(p.Arch),
			Source: p.Source, SourceVersion: p.SourceVersion, Module: d.intern(p.Module), Manager: inventory.Manager(d.intern(p.Manager)),
		},
		Path: p.Path, Layer: d.intern(p.Layer), Role: inventory.Role(d.intern(p.Role)), OwnedBy: p.OwnedBy,
	}
}

func (d *decoder) intern(s string) string {
	if known, ok := d.seen[s]; ok {
		return known
	}
	if len(d.seen) < 1000 {
		d.seen[s] = s
	}
	return s
}

// object calls member for each member of the next value, which must be an
// object without repeated members.
func (d *decoder) object(member func(name string) error) error {
	if err := d.delim('{', "an object"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.json.More() {
		t, err := d.json.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string) // the decoder has checked that it is one
		if seen[name] {
			return fmt.Errorf("member %q given twice", clip(name))
		}
		if len(seen) == maxMembers {
			return fmt.Errorf("more than %d members", maxMembers)
		}
		seen[name] = true
		if err := member(name); err != nil {
			return fmt.Errorf("%s: %w", clip(name), err)
		}
	}
	_, err := d.json.Token()
	return err
}

// array calls element for each element of the next value, at most limit times.
func (d *decoder) array(limit int, element func() error) error {
	if err := d.delim('[', "an array"); err != nil {
		return err
	}
	for n := 0; d.json.More(); n++ {
		if n == limit {
			return &InvalidError{[]string{fmt.Sprintf("more than the %d allowed", limit)}}
		}
		if err := element(); err != nil {
			return fmt.Errorf("[%d]: %w", n, err)
		}
	}
	_, err := d.json.Token()
	return err
}

func (d *decoder) delim(want json.Delim, what string) error {
	t, err := d.json.Token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	if t != want {
		return fmt.Errorf("want %s", what)
	}
	return nil
}

// skip passes over a member that this version does not know.
func (d *decoder) skip() error {
	var ignored json.RawMessage
	return d.json.Decode(&ignored)
}
