package version_test

import (
	"errors"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"muster/internal/testshared"
	"muster/internal/version"
)

// TestDpkgItself compares random pairs with the real dpkg: every pair is built
// from parts that stress the order, and many pairs share a prefix.
func TestDpkgItself(t *testing.T) {
	dpkg := testshared.Tool(t, "dpkg")
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		a, b := randomDebian(random), randomDebian(random)
		if random.IntN(3) == 0 {
			b = a + []string{"~rc1", "+b1", "-1", ".0", "a", "0"}[random.IntN(6)]
		}
		want, refused := askDpkg(t, dpkg, a, b)
		got, err := version.Compare("Debian", a, b)
		switch {
		case err != nil && !refused:
			t.Errorf("%q, %q: %v, but dpkg compares them", a, b, err)
		case err == nil && !refused && got != want:
			t.Errorf("%q to %q is %d, dpkg says %d", a, b, got, want)
		}
	}
}

func randomDebian(r *rand.Rand) string {
	parts := []string{"0", "1", "9", "10", "00", "01", ".", ".", "-", "~", "+", "a", "rc", "dfsg", "deb12u1", "99999999999999999999", "Z"}
	var b strings.Builder
	if r.IntN(4) == 0 {
		b.WriteString([]string{"0:", "1:", "2:", "01:"}[r.IntN(4)])
	}
	b.WriteString([]string{"0", "1", "2"}[r.IntN(3)])
	for range r.IntN(6) {
		b.WriteString(parts[r.IntN(len(parts))])
	}
	return b.String()
}

// askDpkg returns the order, or that dpkg refuses one of the strings.
func askDpkg(t *testing.T, dpkg, a, b string) (order int, refused bool) {
	for _, try := range []struct {
		operator string
		order    int
	}{{"lt", -1}, {"eq", 0}, {"gt", 1}} {
		out, err := exec.CommandContext(t.Context(), dpkg, "--compare-versions", a, try.operator, b).CombinedOutput()
		if strings.Contains(string(out), "bad syntax") {
			return 0, true
		}
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if err == nil {
			return try.order, false
		}
	}
	return 0, true
}

func TestDpkgRefuses(t *testing.T) {
	for _, s := range []string{"", "a:1", ":1", "1:", "1234567890:1", "1 2", "1\n"} {
		if _, err := version.Parse("Debian", s); !errors.Is(err, version.ErrInvalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestUnknownOrder(t *testing.T) {
	if _, err := version.Compare("Klingon", "1", "2"); !errors.Is(err, version.ErrNoOrder) {
		t.Error(err)
	}
}
