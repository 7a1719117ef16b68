package version_test

import (
	"strings"
	"testing"

	"github.com/google/osv-scalibr/semantic"
	"pgregory.net/rapid"

	"muster/internal/version"
)

// everyScheme has one ecosystem per order, with characters that matter to it.
func everyScheme() map[string]string {
	return map[string]string{
		"Debian": "019.-+~:ab", "AlmaLinux": "019.-~^_:ab", "Alpine": "019._-r~abp", "npm": "019.-+ab", "Go": "019.-+vrc",
		"PyPI": "019.-+!abrcdevpost", "Maven": "019.-_abmsprc", "RubyGems": "019.-abrc", "NuGet": "019.-+ab",
		"Packagist": "019.-+ab", "Pub": "019.-+ab", "CRAN": "019.-", "Hackage": "019.", "GitHub Actions": "019.-v",
	}
}

// versionOf draws strings that look like versions of an alphabet.
func versionOf(alphabet string) *rapid.Generator[string] {
	part := rapid.StringOfN(rapid.RuneFrom([]rune(alphabet)), 0, 6, -1)
	return rapid.Custom(func(t *rapid.T) string {
		return rapid.StringMatching(`[0-9]{1,2}`).Draw(t, "first") + part.Draw(t, "rest")
	})
}

// TestOrderIsTotal: whatever is accepted is ordered without contradiction.
func TestOrderIsTotal(t *testing.T) {
	for ecosystem, alphabet := range everyScheme() {
		t.Run(ecosystem, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				list := rapid.SliceOfN(versionOf(alphabet), 3, 3).Draw(t, "versions")
				checkTotal(t, ecosystem, list[0], list[1], list[2])
			})
		})
	}
}

type fataler interface {
	Fatalf(format string, args ...any)
}

// checkTotal checks reflexivity, antisymmetry and transitivity of three
// strings, as far as they are accepted.
func checkTotal(t fataler, ecosystem, a, b, c string) {
	var parsed []version.Version
	for _, s := range []string{a, b, c} {
		v, err := version.Parse(ecosystem, s)
		if err != nil {
			return
		}
		if v.Compare(v) != 0 {
			t.Fatalf("%s: %q differs from itself", ecosystem, s)
		}
		parsed = append(parsed, v)
	}
	for _, x := range parsed {
		for _, y := range parsed {
			if x.Compare(y) != -y.Compare(x) {
				t.Fatalf("%s: %q to %q is %d, the reverse %d", ecosystem, x, y, x.Compare(y), y.Compare(x))
			}
			for _, z := range parsed {
				if x.Compare(y) <= 0 && y.Compare(z) <= 0 && x.Compare(z) > 0 {
					t.Fatalf("%s: %q <= %q <= %q, but %q > %q", ecosystem, x, y, z, x, z)
				}
			}
		}
	}
}

// TestFastPathsAgree compares our own orders with osv-scalibr's where that is
// known to be right.
func TestFastPathsAgree(t *testing.T) {
	for ecosystem, alphabet := range map[string]string{
		"Debian": "0129.-+~ab", "PyPI": "012.", "Maven": "012.", "RubyGems": "012.", "NuGet": "012.", "Pub": "012.",
	} {
		t.Run(ecosystem, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				a, b := versionOf(alphabet).Draw(t, "a"), versionOf(alphabet).Draw(t, "b")
				compareWithScalibr(t, ecosystem, a, b)
			})
		})
	}
}

// TestSemVerAgrees does so for well-formed SemVer.
func TestSemVerAgrees(t *testing.T) {
	wellFormed := rapid.StringMatching(`v?(0|[1-9][0-9]{0,2}|99999999999999999999)\.[0-9]\.[0-9](-[0-9a-c]{1,2}(\.[0-9a-c]{1,2}){0,2})?(\+[a-z]{1,3})?`)
	rapid.Check(t, func(t *rapid.T) {
		compareWithScalibr(t, "npm", wellFormed.Draw(t, "a"), wellFormed.Draw(t, "b"))
	})
}

func compareWithScalibr(t *rapid.T, ecosystem, a, b string) {
	if strings.HasSuffix(a, ".") || strings.HasSuffix(b, ".") {
		return
	}
	got, err := version.Compare(ecosystem, a, b)
	if err != nil {
		return
	}
	v, err := semantic.Parse(a, ecosystem)
	if err != nil {
		return
	}
	want, err := v.CompareStr(b)
	if err == nil && got != max(-1, min(1, want)) {
		t.Fatalf("%s: %q to %q is %d, osv-scalibr says %d", ecosystem, a, b, got, want)
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("Debian", "1:1.0~rc1-1", "1.0+deb12u1", "0")
	f.Add("AlmaLinux", "1:1.0^git1-1.el9", "1.0~a-1", "1")
	f.Add("Alpine", "1.2.3_rc1-r2", "1.02a", "0..1")
	f.Add("Go", "go1.22rc1", "v1.2.3-0.20240101000000-abcdefabcdef", "(devel)")
	f.Add("PyPI", "1!2.0rc1.post2.dev3+local.1", "2.0.0", "legacy")
	f.Add("Maven", "1.0-alpha-1", "1.0.RELEASE", "1-SNAPSHOT")
	f.Fuzz(func(t *testing.T, ecosystem, a, b, c string) { checkTotal(t, ecosystem, a, b, c) })
}

func BenchmarkCompare(b *testing.B) {
	for _, bench := range []struct{ ecosystem, a, b string }{
		{"Debian", "2.36-9+deb12u3", "2.36-9+deb12u6"},
		{"AlmaLinux", "1:3.0.7-27.el9", "1:3.0.7-28.el9_4"},
		{"Alpine", "3.1.4-r5", "3.1.4-r6"},
		{"npm", "7.23.1", "7.23.2"},
		{"PyPI", "3.1.2", "3.1.3rc1"},
		{"Maven", "5.2.19.RELEASE", "5.2.20"},
	} {
		b.Run(bench.ecosystem, func(b *testing.B) {
			v, err := version.Parse(bench.ecosystem, bench.a)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				w, err := v.Scheme().Parse(bench.b)
				if err != nil || v.Compare(w) >= 0 {
					b.Fatal(err)
				}
			}
		})
	}
}
