package agentwire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/internal/inventory"
)

func sample() inventory.Inventory {
	inv := inventory.Inventory{
		OS: inventory.OS{ID: "debian", VersionID: "12", Ecosystem: "Debian:12", Platform: "DEBIAN_12", Kernel: "6.1.0-18-amd64", Arch: "X86_64"},
		Items: []inventory.Item{
			{Component: inventory.Component{Ecosystem: "Debian:12", Name: "bash", Version: "5.2.15-2+b7", Arch: "amd64",
				Source: "bash", SourceVersion: "5.2.15-2", Manager: inventory.ManagerOS}},
			{Component: inventory.Component{Ecosystem: "npm", Name: "lodash", Version: "4.17.20", Manager: inventory.ManagerNodePkg},
				Path: "usr/lib/node_modules/lodash/package.json", Role: inventory.RoleOwned, OwnedBy: "node-lodash"},
		},
		Notes: []string{"something was cut"},
	}
	inv.Sort()
	return inv
}

func sampleReport() *Report {
	inv := sample()
	return &Report{HostID: testHost, Sequence: 9, CollectedAt: signedAt, AgentVersion: "v1", InventoryHash: inv.Hash(), Inventory: &inv}
}

func encodeReport(t testing.TB, r *Report) []byte {
	t.Helper()
	b, err := EncodeReport(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReportComesBackAsSent(t *testing.T) {
	for _, r := range []*Report{sampleReport(), {HostID: testHost, Sequence: 1, CollectedAt: signedAt, InventoryHash: strings.Repeat("0", 64)}} {
		got, err := DecodeReport(bytes.NewReader(encodeReport(t, r)), inventory.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, r) {
			t.Errorf("sent %+v, came back %+v", r, got)
		}
	}
}

func TestInventoryComesBackAsSent(t *testing.T) {
	text := rapid.StringMatching(`[ -~äß本]{0,20}`)
	word := rapid.StringMatching(`[a-z0-9.+~:-]{1,20}`)
	item := rapid.Custom(func(t *rapid.T) inventory.Item {
		it := inventory.Item{Component: inventory.Component{
			Ecosystem: rapid.SampledFrom([]string{"Debian:12", "npm", ""}).Draw(t, "ecosystem"),
			Name:      word.Draw(t, "name"), Version: word.Draw(t, "version"), Arch: rapid.SampledFrom([]string{"", "amd64"}).Draw(t, "arch"),
			Manager: rapid.SampledFrom([]inventory.Manager{"", inventory.ManagerOS, inventory.ManagerJAR}).Draw(t, "manager"),
		}, Path: text.Draw(t, "path"), OwnedBy: text.Draw(t, "owner")}
		if rapid.Bool().Draw(t, "sourced") {
			it.Source, it.SourceVersion = word.Draw(t, "source"), word.Draw(t, "sourceVersion")
		}
		return it
	})
	rapid.Check(t, func(t *rapid.T) {
		inv := inventory.Inventory{OS: inventory.OS{ID: text.Draw(t, "id")}, Items: rapid.SliceOf(item).Draw(t, "items"),
			Notes: rapid.SliceOfN(text, 0, 3).Draw(t, "notes")}
		inv.Sort()
		body, err := EncodeInventory(inv)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeInventory(bytes.NewReader(body), inventory.DefaultLimits())
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if got.Hash() != inv.Hash() || len(got.Notes) != len(inv.Notes) {
			t.Fatalf("sent %+v, came back %+v", inv, got)
		}
	})
}

func TestBadReportsAreRefusedPrecisely(t *testing.T) {
	good := string(encodeReport(t, sampleReport()))
	tests := []struct {
		name, body string
		want       []string
	}{
		{"nothing", "", []string{"unexpected EOF"}},
		{"cut", good[:len(good)/2], []string{"unexpected EOF"}},
		{"not JSON", "hello", []string{"invalid character"}},
		{"a list", "[]", []string{"want an object"}},
		{"two values", good + "{}", []string{"more data after the end"}},
		{"a member twice", strings.Replace(good, `{"hostId"`, `{"sequence":9,"hostId"`, 1), []string{`member "sequence" given twice`}},
		{"wrong type", strings.Replace(good, `"sequence":9`, `"sequence":"9"`, 1), []string{"sequence", "cannot unmarshal string"}},
		{"another content", strings.Replace(good, "5.2.15-2+b7", "5.2.15-2+b8", 1), []string{"inventoryHash: not the hash of the inventory sent"}},
		{"everything wrong", `{"inventory":{"packages":[{"manager":"APT","role":"king","layer":"x","source":"s"}]}}`, []string{
			"hostId", "sequence: 0", "collectedAt: missing", "inventoryHash", "packages[0].name: missing", "packages[0].version: missing",
			`packages[0].manager: "APT"`, `packages[0].role: "king"`, `packages[0].layer: "x"`, "packages[0].source",
		}},
		{"NUL", strings.Replace(good, `"lodash"`, `"lod\u0000ash"`, 1), []string{"packages[1].name: control character U+0000"}},
		{"long", strings.Replace(good, `"lodash"`, `"`+strings.Repeat("x", 600)+`"`, 1), []string{"packages[1].name: 600 bytes, at most 512 allowed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := DecodeReport(strings.NewReader(tt.body), inventory.DefaultLimits())
			if err == nil {
				t.Fatal("accepted")
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%v does not name %q", err, w)
				}
			}
		})
	}
}

func TestUnknownMembersAreIgnored(t *testing.T) {
	body := strings.Replace(string(encodeReport(t, sampleReport())), `{"hostId"`, `{"future":{"a":[1,{}]},"hostId"`, 1)
	if _, err := DecodeReport(strings.NewReader(body), inventory.DefaultLimits()); err != nil {
		t.Error(err)
	}
}

// packagesForever writes an inventory of n packages without holding it.
func packagesForever(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, err := io.WriteString(w, `{"os":{},"packages":[{"name":"p","version":"0"}`)
		for i := 1; i < n && err == nil; i++ {
			_, err = fmt.Fprintf(w, `,{"name":"p","version":"%d"}`, i)
		}
		if err == nil {
			_, err = io.WriteString(w, "]}")
		}
		w.CloseWithError(err)
	}()
	return r
}

func TestAMillionPackagesAreRefused(t *testing.T) {
	r := packagesForever(1_000_000)
	_, err := DecodeInventory(r, inventory.DefaultLimits())
	_ = r.(*io.PipeReader).Close()
	var invalid *InvalidError
	if !errors.As(err, &invalid) || !strings.Contains(err.Error(), "packages: more than the 200000 allowed") {
		t.Errorf("got %v", err)
	}
	l := inventory.DefaultLimits()
	l.Items = 1000
	if _, err := DecodeInventory(packagesForever(1000), l); err != nil {
		t.Errorf("exactly the limit: %v", err)
	}
}

func TestViolationsAreCounted(t *testing.T) {
	body := `{"os":{},"packages":[` + strings.Repeat(`{"name":"n"},`, 49) + `{"name":"n"}]}`
	_, err := DecodeInventory(strings.NewReader(body), inventory.DefaultLimits())
	if err == nil || !strings.Contains(err.Error(), "and 30 more") {
		t.Errorf("got %v", err)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	if _, err := ReadBody(strings.NewReader("12345"), 4); !errors.Is(err, ErrTooLarge) {
		t.Errorf("5 bytes of 4: %v", err)
	}
	if b, err := ReadBody(strings.NewReader("1234"), 4); err != nil || string(b) != "1234" {
		t.Errorf("4 bytes of 4: %q, %v", b, err)
	}
	bomb := Compress(make([]byte, MaxBody+1))
	r, err := OpenBody(bomb, "gzip")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, ErrTooLarge) || n != MaxBody {
		t.Errorf("a bomb of %d bytes gave %d bytes and %v", len(bomb), n, err)
	}
	r, _ = OpenBody(Compress([]byte("text")), "gzip")
	if b, err := io.ReadAll(r); err != nil || string(b) != "text" {
		t.Errorf("got %q, %v", b, err)
	}
	for _, bad := range []string{"br", "gzip"} {
		if _, err := OpenBody([]byte("no gzip"), bad); err == nil {
			t.Errorf("encoding %s accepted", bad)
		}
	}
}

func TestEnrollRequestNamesAllViolations(t *testing.T) {
	good := EnrollRequest{ActivationCode: "c", PublicKey: make([]byte, 32), Label: "web-1", OS: OS{ID: "debian"}, AgentVersion: "v1"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	bad := EnrollRequest{PublicKey: []byte{1}, Label: "a\nb", MachineIDHash: "x", OS: OS{ID: "\x00"}, AgentVersion: strings.Repeat("v", 65)}
	err := bad.Validate()
	for _, w := range []string{"activationCode", "publicKey", "label", "machineIdHash", "agentVersion", "os.id"} {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("%v does not name %s", err, w)
		}
	}
}

// FuzzDecodeReport: what is accepted keeps the limits, encodes again to the
// same content, and never takes long.
func FuzzDecodeReport(f *testing.F) {
	f.Add(encodeReport(f, sampleReport()))
	f.Add([]byte(`{"hostId":"i-0123456789abcdef0","sequence":1,"collectedAt":"2026-01-01T00:00:00Z","inventoryHash":"` + strings.Repeat("0", 64) + `"}`))
	l := inventory.DefaultLimits()
	l.Items = 50
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := DecodeReport(bytes.NewReader(body), l)
		if err != nil {
			return
		}
		if r.Inventory != nil && r.Inventory.Violations(l, 1) != nil {
			t.Fatalf("accepted with %v", r.Inventory.Violations(l, 1))
		}
		if r.CollectedAt.Year() > 9999 { // time.Time writes no such year
			return
		}
		again, err := DecodeReport(bytes.NewReader(encodeReport(t, r)), l)
		if err != nil || again.InventoryHash != r.InventoryHash || !again.CollectedAt.Equal(r.CollectedAt.Round(time.Nanosecond)) {
			t.Fatalf("does not come back: %v", err)
		}
	})
}
