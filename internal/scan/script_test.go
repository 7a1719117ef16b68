package scan_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/finding"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/catalog"
	"muster/internal/store/findings"
	"muster/internal/store/storetest"
)

var update = flag.Bool("update", false, "write what comes out into the scripts, to be read before it is committed")

// TestScripts plays the scripts in testdata on both engines; their language is
// explained in testdata/README.md.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			storetest.EachURL(t, func(t *testing.T, url string) {
				w := newWorld(t, func(o store.Options) *store.Store { return storetest.Open(t, url, o) })
				p := &player{world: w, file: file, names: map[string]string{}}
				p.play()
			})
		})
	}
}

// player plays one script.
type player struct {
	*world
	file string
	line int
	// names are the short names of findings, given in the order of their
	// first appearance.
	names map[string]string
	out   strings.Builder
}

// statement is a line with the indented lines below it.
type statement struct {
	line  int
	words []string
	text  string
	body  []string
}

func (p *player) play() {
	text, err := os.ReadFile(p.file)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, s := range p.parse(string(text)) {
		p.line = s.line
		p.out.WriteString(s.text)
		if len(s.words) > 0 {
			p.run(s)
		}
	}
	if *update {
		if err := os.WriteFile(p.file, []byte(p.out.String()), 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
}

// parse splits a script into statements; comments and blank lines have no
// words.
func (p *player) parse(text string) []statement {
	var list []statement
	n := 0
	for line := range strings.Lines(text) {
		n++
		if strings.HasPrefix(line, "  ") && len(list) > 0 {
			last := &list[len(list)-1]
			last.body = append(last.body, strings.TrimSpace(line))
			continue
		}
		s := statement{line: n, text: line}
		if !strings.HasPrefix(line, "#") {
			s.words = strings.Fields(line)
		}
		list = append(list, s)
	}
	return list
}

func (p *player) failf(format string, args ...any) {
	p.t.Helper()
	p.t.Fatalf("%s:%d: "+format, append([]any{p.file, p.line}, args...)...)
}

func (p *player) run(s statement) {
	p.t.Helper()
	if answer, ok := p.question(s); ok {
		p.expect(s, answer)
		return
	}
	for _, line := range s.body {
		p.out.WriteString("  " + line + "\n")
	}
	w := s.words
	switch w[0] {
	case "advisories", "advisories-quietly":
		of := newNews()
		for _, line := range s.body {
			if err := of.read(line); err != nil {
				p.failf("%v", err)
			}
		}
		p.publish(of, w[0] == "advisories-quietly")
	case "catch-up":
		if err := p.desk.CatchUp(p.t.Context()); err != nil {
			p.failf("%v", err)
		}
	case "administrator":
		p.administrator(w[1], w[3:])
	case "associate":
		p.relate(w[3], w[1], activation.Associated)
	case "disassociate":
		p.relate(w[3], w[1], activation.Removed)
	case "enable", "disabling", "disable", "suspend":
		status := map[string]activation.Status{"enable": activation.Enabled, "disabling": activation.Disabling,
			"disable": activation.Disabled, "suspend": activation.Suspended}[w[0]]
		if len(w) == 2 {
			p.ec2(w[1], status)
		} else {
			p.ec2Of(w[1:], status)
		}
	case "report":
		// report HOST of ACCOUNT: items…
		items := p.attributes(w[1], w[4:])
		p.packages[w[1]] = nil
		for _, word := range items {
			p.packages[w[1]] = append(p.packages[w[1]], item(word))
		}
		p.report(w[1], strings.TrimSuffix(w[3], ":"), false)
	case "heartbeat":
		p.report(w[1], w[3], true)
	case "revoke":
		p.update(func(ctx context.Context, tx *store.Tx) error {
			return p.desk.HostRevoked(ctx, tx, p.account(w[3]), region, p.host(w[1]), p.now)
		})
	case "suppress":
		// suppress NAME by OWNER over ACCOUNTS where filters…
		at := slices.Index(w, "where")
		p.rule(w[1], w[3], w[at+1:], w[5:at])
	case "unsuppress":
		p.rule(w[1], w[3], nil, w[5:])
	case "later":
		d, err := time.ParseDuration(w[1])
		if err != nil {
			p.failf("%v", err)
		}
		p.now = p.now.Add(d)
	case "hold":
		return // the next statement finds the jobs still waiting
	default:
		if !p.resource(w) {
			p.failf("unknown statement %q", w[0])
		}
	}
	if !slices.Contains(w, "hold") {
		p.settle()
	}
}

// question answers a question.
func (p *player) question(s statement) (answer []string, ok bool) {
	w := s.words
	switch w[0] {
	case "findings":
		return p.findings(w[1]), true
	case "events":
		return p.events(w[1]), true
	case "notices":
		return p.notices(w[1]), true
	case "coverage":
		return p.coverage(w[1]), true
	case "history":
		return p.history(w[1]), true
	case "counts":
		return p.counts(), true
	}
	return nil, false
}

func (p *player) expect(s statement, answer []string) {
	p.t.Helper()
	for _, line := range answer {
		p.out.WriteString("  " + line + "\n")
	}
	if !*update && !slices.Equal(answer, s.body) {
		p.failf("%s\n  %s\nexpected\n  %s", strings.TrimSpace(s.text), strings.Join(answer, "\n  "), strings.Join(s.body, "\n  "))
	}
}

func (p *player) view(fn func(ctx context.Context, tx *store.Tx) error) {
	p.t.Helper()
	if err := p.store.View(p.t.Context(), func(tx *store.Tx) error { return fn(p.t.Context(), tx) }); err != nil {
		p.failf("%v", err)
	}
}

// name is the short name of a finding.
func (p *player) name(a arn.ARN) string {
	if p.names[string(a)] == "" {
		p.names[string(a)] = fmt.Sprintf("f%d", len(p.names)+1)
	}
	return p.names[string(a)]
}

// age is how long ago a time was.
func (p *player) age(t time.Time) string {
	// Changes at one standing time are a microsecond apart.
	t = t.Truncate(time.Second)
	if t.Equal(p.now) {
		return "now"
	}
	return strings.TrimSuffix(strings.TrimSuffix(p.now.Sub(t).String(), "0s"), "0m")
}

func (p *player) findings(account string) (answer []string) {
	p.view(func(ctx context.Context, tx *store.Tx) error {
		list, _, err := findings.List(ctx, tx, findings.Query{
			Scope: accounts{p.account(account)}, Single: p.account(account), Region: region, Field: findings.ByVulnerabilityID, Limit: 100,
		})
		for _, f := range list {
			answer = append(answer, p.show(&f.Finding))
		}
		return err
	})
	return answer
}

func (p *player) show(f *finding.Finding) string {
	var packages []string
	for _, k := range f.Package.Packages {
		text := k.Name + "@" + k.Version
		if k.Release != "" {
			text += "-" + k.Release
		}
		if k.Path != "" {
			text += ":" + k.Path
		}
		packages = append(packages, text+"→"+k.FixedIn)
	}
	line := fmt.Sprintf("%s %s %s %s %s %s", p.name(f.ARN), p.hostName(f.Resource.ID), f.Status, f.Severity, f.Package.VulnerabilityID, strings.Join(packages, ","))
	if f.Fix != finding.Yes {
		line += " fix=" + string(f.Fix)
	}
	if f.Exploit == finding.Yes {
		line += " exploit"
	}
	if f.EPSS != nil {
		line += fmt.Sprintf(" epss=%g", *f.EPSS)
	}
	line += fmt.Sprintf(" first=%s last=%s updated=%s", p.age(f.FirstObservedAt), p.age(f.LastObservedAt), p.age(f.UpdatedAt))
	if f.Status == finding.Closed {
		line += " (" + string(f.Cause) + ")"
	}
	return line
}

func (p *player) hostName(id string) string {
	for name, host := range p.hosts {
		if host == id {
			return name
		}
	}
	return id
}

// events lists an account's events since they were last asked for.
func (p *player) events(account string) (answer []string) {
	p.view(func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.Events(ctx, string(p.account(account)), "", 10000)
		for _, e := range list {
			// The ids follow the times of the findings, not of the calls.
			if p.seen[e.ID] != "" {
				continue
			}
			p.seen[e.ID] = "told"
			var detail struct{ FindingArn, Status, Title, UpdatedAt string }
			if err := json.Unmarshal(e.Detail, &detail); err != nil {
				return err
			}
			if detail.FindingArn == "" {
				continue
			}
			source := map[bool]string{true: "aws.inspector2", false: "muster"}[e.DetailType == "Inspector2 Finding"]
			if want := e.Time.Format("Mon Jan 02 15:04:05.000 UTC 2006"); e.Source != source || detail.UpdatedAt != want {
				p.failf("event from %s at %s, expected %s", e.Source, detail.UpdatedAt, want)
			}
			answer = append(answer, fmt.Sprintf("%s: %s %s %s", e.DetailType, p.name(arn.ARN(detail.FindingArn)), detail.Status, detail.Title))
		}
		return err
	})
	slices.Sort(answer)
	return answer
}

// notices lists an account's events of scans and coverage since they were last
// asked for.
func (p *player) notices(account string) (answer []string) {
	p.view(func(ctx context.Context, tx *store.Tx) error {
		list, err := tx.Events(ctx, string(p.account(account)), p.seen["notices of "+account], 1000)
		for _, e := range list {
			p.seen["notices of "+account] = e.ID
			if e.DetailType == "Inspector2 Scan" || e.DetailType == "Inspector2 Coverage" {
				answer = append(answer, fmt.Sprintf("%s: %s %s", e.DetailType, p.hostName(e.Resources[0]), regexp.MustCompile(`i-[0-9a-f]+`).ReplaceAllStringFunc(string(e.Detail), p.hostName)))
			}
		}
		return err
	})
	return answer
}

func (p *player) coverage(account string) (answer []string) {
	p.view(func(ctx context.Context, tx *store.Tx) error {
		list, err := catalog.CoveragePage(ctx, tx, accounts{p.account(account)}, string(region), &catalog.CoverageCriteria{}, catalog.Row{}, 100)
		for _, r := range list {
			scanned := "never"
			if !r.ScannedAt.IsZero() {
				scanned = p.age(r.ScannedAt)
			}
			answer = append(answer, fmt.Sprintf("%s %s %s scanned=%s", p.hostName(r.ID), r.Status, r.Reason, scanned))
		}
		return err
	})
	return answer
}

func (p *player) history(name string) (answer []string) {
	for a, short := range p.names {
		if short != name {
			continue
		}
		account, at, id, _ := finding.ParseARN(arn.ARN(a))
		p.view(func(ctx context.Context, tx *store.Tx) error {
			list, err := findings.History(ctx, tx, account, at, id)
			for _, e := range list {
				answer = append(answer, fmt.Sprintf("%s %s→%s: %s", e.Kind, e.Before, e.After, e.Why))
			}
			return err
		})
	}
	return answer
}

// counts checks the kept counts against the findings.
func (p *player) counts() (answer []string) {
	p.view(func(ctx context.Context, tx *store.Tx) error {
		wrong, err := findings.VerifyCounts(ctx, tx)
		if err != nil {
			return err
		}
		covered, err := catalog.VerifyCoverage(ctx, tx)
		answer = append(append(wrong, covered...), "agree")
		return err
	})
	return answer
}
