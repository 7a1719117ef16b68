package scan_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/internal/advisory"
	"muster/internal/advisorydb"
	"muster/internal/store"
	"muster/internal/store/feeds"
)

// publisher keeps generations of advisories in folders, as the refresh desk
// does.
type publisher struct {
	t     testing.TB
	store *store.Store
	dir   string
}

// CurrentGeneration makes it a scan.Advisories.
func (p *publisher) CurrentGeneration(ctx context.Context) (*advisorydb.Set, int64, error) {
	var n int64
	err := p.store.View(ctx, func(tx *store.Tx) (err error) {
		n, err = feeds.Current(ctx, tx)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	set, err := p.Generation(ctx, n)
	return set, n, err
}

func (p *publisher) Generation(_ context.Context, n int64) (*advisorydb.Set, error) {
	if n == 0 {
		return advisorydb.Empty(), nil
	}
	return advisorydb.Open(filepath.Join(p.dir, strconv.FormatInt(n, 10)))
}

// news is everything that publishers say at one time.
type news struct {
	records map[string][]string // by base ecosystem, as JSON
	intel   map[string]*advisory.Intel
	kev     map[string]advisory.KEV
	epss    map[string]float64
}

// build writes a generation's folder.
func (p *publisher) build(n int64, of news) {
	p.t.Helper()
	dir := filepath.Join(p.dir, strconv.FormatInt(n, 10))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		p.t.Fatal(err)
	}
	var files []advisorydb.Info
	add := func(kind advisorydb.Kind, ecosystem, name string, err error) {
		p.t.Helper()
		stat, statErr := os.Stat(filepath.Join(dir, name))
		if err != nil || statErr != nil {
			p.t.Fatal(err, statErr)
		}
		files = append(files, advisorydb.Info{Kind: kind, Ecosystem: ecosystem, File: name, Size: stat.Size()})
	}
	for ecosystem, records := range of.records {
		name := ecosystem + ".adv"
		add(advisorydb.Advisories, ecosystem, name, buildRecords(filepath.Join(dir, name), ecosystem, records))
	}
	add(advisorydb.CVEs, "", "cve.tab", buildTable(filepath.Join(dir, "cve.tab"), of.intel))
	add(advisorydb.KEVs, "", "kev.tab", buildTable(filepath.Join(dir, "kev.tab"), of.kev))
	add(advisorydb.EPSS, "", "epss", buildEPSS(filepath.Join(dir, "epss"), of.epss))
	if err := advisorydb.WriteManifest(dir, files); err != nil {
		p.t.Fatal(err)
	}
}

func buildRecords(path, ecosystem string, records []string) error {
	b, err := advisorydb.NewBuilder(path, ecosystem)
	if err != nil {
		return err
	}
	for _, r := range records {
		a, err := advisory.Parse([]byte(r))
		if err == nil {
			err = b.Add(&a, []byte(r))
		}
		if err != nil {
			return err
		}
	}
	_, err = b.Finish()
	return err
}

func buildTable[V any](path string, rows map[string]V) error {
	b, err := advisorydb.NewTableBuilder(path)
	if err != nil {
		return err
	}
	for key, value := range rows {
		if err := b.Add(key, value); err != nil {
			return err
		}
	}
	_, err = b.Finish(start)
	return err
}

func buildEPSS(path string, rows map[string]float64) error {
	b, err := advisorydb.NewEPSSBuilder(path)
	if err != nil {
		return err
	}
	for cve, score := range rows {
		if err := b.Add(cve, score, score); err != nil {
			return err
		}
	}
	_, err = b.Finish(start)
	return err
}

// read takes a line of an "advisories" statement.
func (n *news) read(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	id, value, _ := strings.Cut(rest, " ")
	switch word {
	case "feed":
		n.records[rest] = append(n.records[rest], []string{}...)
	case "score":
		n.of(id).Scores = append(n.of(id).Scores, advisory.Score{Source: "nvd", Vector: value})
	case "text":
		n.of(id).Description = value
	case "epss":
		score, err := strconv.ParseFloat(value, 64)
		n.epss[id] = score
		return err
	case "kev":
		day, err := time.Parse(time.DateOnly, value)
		n.kev[id] = advisory.KEV{Added: day, Action: "Apply updates."}
		return err
	default:
		return n.record(strings.Fields(line))
	}
	return nil
}

func (n *news) of(cve string) *advisory.Intel {
	if n.intel[cve] == nil {
		n.intel[cve] = &advisory.Intel{CVE: cve}
	}
	return n.intel[cve]
}

// record reads "ID Ecosystem package fixed VERSION|unfixed [about CVE…]
// [word WORD] [withdrawn]".
func (n *news) record(words []string) error {
	if len(words) < 4 {
		return fmt.Errorf("a record needs an id, an ecosystem, a package and its fix")
	}
	id, ecosystem, name := words[0], words[1], words[2]
	events := []map[string]string{{"introduced": "0"}}
	var upstream []string
	affected := map[string]any{"package": map[string]string{"ecosystem": ecosystem, "name": name}}
	record := map[string]any{"id": id, "modified": "2026-01-01T00:00:00Z"}
	for i := 3; i < len(words); i++ {
		switch words[i] {
		case "fixed":
			i++
			events = append(events, map[string]string{"fixed": words[i]})
		case "about":
			for ; i+1 < len(words) && strings.HasPrefix(words[i+1], "CVE-"); i++ {
				upstream = append(upstream, words[i+1])
			}
		case "word":
			i++
			affected["database_specific"] = map[string]string{"severity": words[i]}
		case "withdrawn":
			record["withdrawn"] = "2026-01-02T00:00:00Z"
		}
	}
	affected["ranges"] = []any{map[string]any{"type": "ECOSYSTEM", "events": events}}
	record["affected"], record["upstream"] = []any{affected}, upstream
	text, err := json.Marshal(record)
	base := advisory.BaseEcosystem(ecosystem)
	n.records[base] = append(n.records[base], string(text))
	return err
}

func newNews() news {
	return news{map[string][]string{}, map[string]*advisory.Intel{}, map[string]advisory.KEV{}, map[string]float64{}}
}
