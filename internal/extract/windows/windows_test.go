package windows

import (
	"errors"
	"strings"
	"testing"

	"muster/internal/inventory"
)

const server = "\ufeff" + `{"currentVersion":{"ProductName":"Windows Server 2019 Datacenter","CurrentMajorVersionNumber":10,"CurrentMinorVersionNumber":0,
 "CurrentVersion":"6.3","CurrentBuild":"17763","UBR":5206,"DisplayVersion":null,"ReleaseId":"1809","InstallationType":"Server"},
 "architecture":"AMD64","hotFixes":["KB5033371","KB4589208","not one","KB5032196"],
 "products":[{"name":"Microsoft .NET Framework 4.8  on Windows Server 2019","version":"4.8.4400.0"},{"name":"odd","version":"x"}]}`

func TestParse(t *testing.T) {
	if !Looks([]byte(server)) || Looks([]byte(`{"bomFormat":"CycloneDX"}`)) {
		t.Error("Looks errs")
	}
	inv, err := Parse(strings.NewReader(server))
	if err != nil {
		t.Fatal(err)
	}
	if o := inv.OS; o.Platform != "WINDOWS_SERVER_2019" || o.VersionID != "10.0.17763.5206" || o.Arch != "X86_64" || o.Ecosystem != "Windows" {
		t.Errorf("%+v", o)
	}
	const fixes = "KB5033371 KB5032196 KB4589208"
	if len(inv.Items) != 2 || inv.Items[0].Name != "Microsoft .NET Framework 4.8 on Windows Server 2019" || inv.Items[1].Name != "Windows Server 2019" ||
		inv.Items[1].Version != "10.0.17763.5206" || inv.Items[1].Module != fixes {
		t.Errorf("%+v", inv.Items)
	}
}

func TestProducts(t *testing.T) {
	for _, c := range []struct {
		product      string
		build        int64
		architecture string
		installation string
		want         string
	}{
		{"Windows Server 2022 Standard", 20348, "AMD64", "Server Core", "Windows Server 2022 (Server Core installation)"},
		{"Windows Server 2012 R2 Standard", 9600, "AMD64", "Server", "Windows Server 2012 R2"},
		{"Windows Server Datacenter", 25398, "AMD64", "Server Core", "Windows Server 2022, 23H2 Edition (Server Core installation)"},
		{"Windows 10 Pro", 22631, "AMD64", "Client", "Windows 11 Version 23H2 for x64-based Systems"},
		{"Windows 10 Pro", 19045, "ARM64", "Client", "Windows 10 Version 22H2 for ARM64-based Systems"},
		{"Windows 10 Pro", 27000, "AMD64", "Client", "Windows 11 Version 26H2 for x64-based Systems"},
		{"Windows Vista", 6000, "x86", "Client", ""},
	} {
		if got := Product(c.product, c.build, "26H2", c.architecture, c.installation); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, text := range []string{``, `[]`, `{}`, `{"currentVersion":{}}`, `{"currentVersion":{"CurrentBuild":"-1"}}`, `{"currentVersion":{"CurrentBuild":"9600"}}`} {
		if _, err := Parse(strings.NewReader(text)); !errors.Is(err, ErrEvidence) {
			t.Errorf("%s: %v", text, err)
		}
	}
	old := `{"currentVersion":{"ProductName":"Windows Server 2012 R2 Standard","CurrentVersion":"6.3","CurrentBuild":"9600","UBR":21765}}`
	if inv, err := Parse(strings.NewReader(old)); err != nil || inv.Items[0].Version != "6.3.9600.21765" {
		t.Errorf("%+v, %v", inv, err)
	}
}

func TestJoinUpdates(t *testing.T) {
	var many []string
	for i := range 100 {
		many = append(many, "KB50"+strings.Repeat("0", 3)+string(rune('0'+i/10))+string(rune('0'+i%10)))
	}
	joined := JoinUpdates(many)
	if len(joined) > maxUpdates || !strings.HasPrefix(joined, "KB5000099 ") {
		t.Errorf("%d bytes: %s", len(joined), joined)
	}
}

// FuzzParse: what comes of any file fits an inventory.
func FuzzParse(f *testing.F) {
	f.Add(server)
	f.Add(`{"currentVersion":{"ProductName":"Windows 10 Pro","CurrentMajorVersionNumber":"10","CurrentBuild":19045,"UBR":"3803"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		inv, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		if bad := inv.Violations(inventory.DefaultLimits(), 9); bad != nil {
			t.Errorf("%q gives %v", text, bad)
		}
	})
}
