package knowledge

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"muster/internal/advisory"
	"muster/internal/feed"
	"muster/internal/feed/fetch"
	"muster/internal/feed/layout"
	"muster/internal/version"
)

// fromPublishers brings what the ecosystems need from the publishers into a
// feeds folder in the cache, which is then the location. What could not be
// had is a Problem; an earlier copy stays in use.
func (c *Config) fromPublishers(ctx context.Context, ecosystems []string) ([]Problem, error) {
	if location := canonical(c.Location); location != feed.Publishers {
		return nil, nil
	}
	config := c.Publishers
	if config.Dir == "" {
		config.Dir = filepath.Join(c.Dir, "feeds")
	}
	config.Now = c.Now
	plan := planFor(config.Dir, ecosystems)
	if len(config.Sources) > 0 {
		plan.sources = slices.DeleteFunc(plan.sources, func(name string) bool { return !slices.Contains(config.Sources, name) })
	}
	config.Sources, config.Ecosystems = plan.sources, plan.ecosystems
	c.Location = config.Dir
	if len(plan.sources) == 0 {
		return nil, os.MkdirAll(config.Dir, 0o755)
	}
	fetcher, err := fetch.New(config)
	if err != nil {
		return nil, err
	}
	var faults []fetch.Result
	for _, opts := range plan.runs(config.Sources, c.MaxAge == 0) {
		opts.Progress = func(r fetch.Result) {
			if c.Progress != nil {
				c.Progress(fmt.Sprintf("fetched %s", r.Source))
			}
		}
		results, err := fetcher.Run(ctx, opts)
		if err != nil {
			return nil, err
		}
		faults = append(faults, results...)
	}
	return plan.problems(config.Dir, faults), nil
}

// plan says what a scan needs of the publishers.
type plan struct {
	sources []string
	// missing are those of which nothing is there yet.
	missing []string
	// ecosystems are OSV's: those needed, and those that the folder has, which
	// are followed with them.
	ecosystems []string
	// needed are the ecosystems of the scan.
	needed []string
}

func planFor(dir string, ecosystems []string) plan {
	var p plan
	for _, e := range ecosystems {
		if base := advisory.BaseEcosystem(e); base != "" && !slices.Contains(p.needed, base) {
			if _, ok := version.SchemeOf(base); ok {
				p.needed = append(p.needed, base)
			}
		}
	}
	slices.Sort(p.needed)
	have := func(pattern string) []string {
		found, _ := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern))) // the pattern is one of ours
		return found
	}
	for _, base := range p.needed {
		p.sources = append(p.sources, publishersOf(base)...)
		if !alone(base) {
			p.ecosystems = append(p.ecosystems, base)
			if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(layout.OSV(base)))); errors.Is(err, os.ErrNotExist) {
				p.missing = append(p.missing, "osv")
			}
		}
	}
	if len(p.ecosystems) > 0 {
		p.sources = append(p.sources, "osv")
		for _, file := range have("osv/*.zip") {
			p.ecosystems = append(p.ecosystems, strings.TrimSuffix(filepath.Base(file), ".zip"))
		}
	}
	p.sources = append(p.sources, "endoflife", "epss", "exploitdb", "kev", "metasploit", "nuclei", "nvd")
	slices.Sort(p.sources)
	slices.Sort(p.ecosystems)
	p.sources, p.ecosystems = slices.Compact(p.sources), slices.Compact(p.ecosystems)
	for _, s := range layout.All() {
		if slices.Contains(p.sources, s.Name) && len(have(s.Files)) == 0 {
			p.missing = append(p.missing, s.Name)
		}
	}
	return p
}

// publishersOf are the publishers that speak of an ecosystem themselves.
func publishersOf(base string) []string {
	return map[string][]string{
		"Alpine": {"alpine"}, "Amazon Linux": {"amazon"}, "Bottlerocket": {"bottlerocket"}, "Debian": {"debian", "debian-notices"},
		"Oracle Linux": {"oracle"}, "Photon OS": {"photon"}, "Red Hat": {"redhat-vex"}, "Rocky Linux": {"rocky"},
		"SUSE": {"suse"}, "openSUSE": {"suse"}, "Ubuntu": {"ubuntu-osv"}, "Windows": {"microsoft"},
	}[base]
}

// alone reports whether OSV has nothing about an ecosystem.
func alone(base string) bool {
	return slices.Contains([]string{"Amazon Linux", "Bottlerocket", "Oracle Linux", "Photon OS", "Windows"}, base)
}

// runs are what the fetcher is asked: what is missing at once, the rest when
// it is due.
func (p *plan) runs(sources []string, all bool) []fetch.Options {
	var missing, others []string
	for _, name := range sources {
		if slices.Contains(p.missing, name) {
			missing = append(missing, name)
		} else {
			others = append(others, name)
		}
	}
	var out []fetch.Options
	if len(missing) > 0 {
		out = append(out, fetch.Options{Sources: missing})
	}
	if len(others) > 0 {
		out = append(out, fetch.Options{Sources: others, OnlyDue: !all})
	}
	return out
}

// problems says what the faults mean for the scan: an earlier copy is used, or
// there is none.
func (p *plan) problems(dir string, results []fetch.Result) []Problem {
	var out []Problem
	for _, r := range results {
		if r.Err == nil {
			continue
		}
		concerned := slices.DeleteFunc(slices.Clone(p.needed), func(base string) bool {
			return r.Source != "osv" && !slices.Contains(publishersOf(base), r.Source) || r.Source == "osv" && alone(base)
		})
		if len(concerned) == 0 {
			concerned = []string{""}
		}
		for _, base := range concerned {
			pattern := "*"
			if i := slices.IndexFunc(layout.All(), func(s layout.Source) bool { return s.Name == r.Source }); i >= 0 {
				pattern = layout.All()[i].Files
			}
			if r.Source == "osv" {
				pattern = layout.OSV(base)
			}
			found, _ := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern))) // the pattern is one of ours
			out = append(out, Problem{Ecosystem: base, Source: r.Source, Stale: len(found) > 0, Err: r.Err})
		}
	}
	return out
}
