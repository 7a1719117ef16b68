package recount

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
)

// plan is what is true of the organization: what the server is told, and what
// testdata/recount.py works everything out from again. Versions are whole
// numbers, so that what is vulnerable can be told without any library.
type plan struct {
	Seed       uint64
	URL        string
	Regions    []string
	Accounts   []*account
	Advisories []advisory
	Updates    []update
	Resources  []*resource
	Uses       []use
	// Prices are those of what is billed, by its type.
	Prices map[string]float64
}

// use is what was told of a running image.
type use struct {
	Account, Digest, Cluster string
	Running, Stopped         int
}

// account is one account, with the key of its root user.
type account struct {
	Name, ID string
	// Seen says that the delegated administrator sees it.
	Seen   bool
	Key    string
	Secret string
}

// advisory is one vulnerability. Fixed names, by ecosystem and package, the
// version that mends it; 0 where none does.
type advisory struct {
	ID      string
	Fixed   map[string]map[string]int
	Vector  string
	Word    string
	EPSS    *float64
	KEV     bool
	Exploit bool
	Text    string
}

// pkg is a package as it is installed.
type pkg struct {
	Ecosystem, Name string
	Version         int
	// Epoch, Path and Layer are what findings are to say of it.
	Epoch       int
	Path, Layer string
}

// resource is something that is scanned. Reports is what was on it, one after
// the other.
type resource struct {
	Account, Region, Type, ID string
	Tags                      map[string]string
	Reports                   [][]pkg
	// End is "", "stopped", or why nothing of it is open any more: "excluded",
	// "revoked".
	End string
	// Details are what findings say of it, beside what they may say.
	Details map[string]any
	// Windows is set for machines that have it.
	Windows *server

	host *host
	// system is the release of Debian on a host.
	system string
}

// vectors have the scores 9.8, 7.8, 6.1, 2.5 and 0; the last is no vector.
var vectors = []string{
	"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H",
	"CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", "CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N",
	"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", "",
}

// scoreOf is the score of one of the vectors.
func scoreOf(vector string) float64 {
	return []float64{9.8, 7.8, 6.1, 2.5, 0}[slices.Index(vectors, vector)]
}

const (
	debian = "Debian"
	pypi   = "PyPI"
	npm    = "npm"
)

// catalogue are the packages of each ecosystem. Their order differs by bytes
// and by letters.
var catalogue = map[string][]string{
	debian: {"libfoo", "libfoo-dev", "libfoo1", "zlib1g", "a.b", "a-b", "a+b", "openssl"},
	pypi:   {"idna", "requests"},
	npm:    {"lodash", "left-pad", "@scope/pkg"},
}

// invent draws what is known of vulnerabilities. A vulnerability hits one to
// three packages, here and there of several ecosystems.
func invent(r *rand.Rand) (list []advisory) {
	words := []string{"", "low", "medium", "unimportant", "HIGH"}
	for n := range 26 {
		a := advisory{
			ID: fmt.Sprintf("CVE-2026-%04d", 9990+n), Fixed: map[string]map[string]int{}, Vector: vectors[n%len(vectors)],
			Word: words[n%4*(n%3/2)], Text: fmt.Sprintf("Flaw %d: a,\"quoted\" text\nwith a second line; ünïcode.", n),
		}
		if n%4 != 3 {
			a.EPSS = new(float64(r.IntN(100_000)) / 100_000)
		}
		a.KEV, a.Exploit = n%9 == 4, n%5 == 2
		eco := []string{debian, debian, pypi, debian, npm}[n%5]
		a.hits(r, eco, 1+r.IntN(3))
		if n%6 == 2 {
			a.hits(r, []string{debian, pypi}[n%2], 1)
		}
		list = append(list, a)
	}
	return list
}

func (a *advisory) hits(r *rand.Rand, ecosystem string, packages int) {
	if a.Fixed[ecosystem] == nil {
		a.Fixed[ecosystem] = map[string]int{}
	}
	names := catalogue[ecosystem]
	for range packages {
		fixed := 2 + r.IntN(7)
		if r.IntN(4) == 0 {
			fixed = 0
		}
		a.Fixed[ecosystem][names[r.IntN(len(names))]] = fixed
	}
}

// install draws packages of an ecosystem.
func install(r *rand.Rand, ecosystem string, n int, path func(name string) string) (list []pkg) {
	names := catalogue[ecosystem]
	for _, i := range r.Perm(len(names))[:min(n, len(names))] {
		p := pkg{Ecosystem: ecosystem, Name: names[i], Version: 1 + r.IntN(8)}
		if p.Name == "zlib1g" {
			p.Epoch = 1
		}
		if path != nil {
			p.Path = path(p.Name)
		}
		list = append(list, p)
	}
	return list
}

// text is the version as the system has it.
func (p pkg) text() string { return versionText(p.Ecosystem, p.Name, p.Version) }

func versionText(ecosystem, name string, version int) string {
	switch {
	case ecosystem != debian:
		return fmt.Sprintf("%d.0.0", version)
	case name == "zlib1g":
		return fmt.Sprintf("1:%d-1", version)
	}
	return fmt.Sprintf("%d-1", version)
}

func (p *plan) write(file string) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return os.WriteFile(file, body, 0o600)
}
