// Package amazon reads the updateinfo files of Amazon Linux's repositories
// (feeds specification 5.2), the distribution's core and its extras, and those
// of Bottlerocket, which have the same form.
package amazon

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"muster/internal/advisory"
	"muster/internal/extract/bounded"
	"muster/internal/feed"
)

// Bounds of a file. The largest real ones have 150 MB and 4,000 updates.
const (
	maxBytes    = 4 << 30
	maxUpdates  = 1_000_000
	maxPackages = 200_000
	maxText     = 64 << 10
)

// ErrUpdates says that bytes are not an updateinfo file; the wrapping error
// says why.
var ErrUpdates = errors.New("not an updateinfo file")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUpdates}, args...)...)
}

// Parse reads an unpacked file and calls each for every security update.
// Updates of distributions that are not known here are left out.
func Parse(r io.Reader, each func(*advisory.Advisory) error) error {
	d := bounded.XML(xml.NewDecoder(feed.Bounded(r, maxBytes)))
	rooted, updates := false, 0
	for {
		token, err := d.Token()
		if err == io.EOF && rooted {
			return nil
		}
		if err != nil {
			return refuse("%w", err)
		}
		start, ok := token.(xml.StartElement)
		switch {
		case !ok:
			continue
		case !rooted && start.Name.Local != "updates":
			return refuse("it begins with <%.40s>", start.Name.Local)
		case !rooted:
			rooted = true
			continue
		case start.Name.Local != "update":
			return refuse("unexpected <%.40s>", start.Name.Local)
		}
		if updates++; updates > maxUpdates {
			return refuse("more than %d updates", maxUpdates)
		}
		if err := one(d, start, each); err != nil {
			return err
		}
	}
}

// one reads the update that begins with start.
func one(d *xml.Decoder, start xml.StartElement, each func(*advisory.Advisory) error) error {
	var u update
	if err := d.DecodeElement(&u, &start); err != nil {
		return refuse("%w", err)
	}
	if u.ID == "" || len(u.ID) > 100 || strings.ContainsAny(u.ID, "/\\\x00\r\n") {
		return refuse("id %.40q", u.ID)
	}
	if u.Type != "security" {
		return nil
	}
	a, err := u.advisory()
	if err != nil {
		return refuse("%s: %w", u.ID, err)
	}
	if len(a.Affected) == 0 {
		return nil
	}
	return each(&a)
}

// update is an <update> element.
type update struct {
	Type        string `xml:"type,attr"`
	ID          string `xml:"id"`
	Title       string `xml:"title"`
	Issued      stamp  `xml:"issued"`
	Updated     stamp  `xml:"updated"`
	Severity    string `xml:"severity"`
	Description string `xml:"description"`
	References  []struct {
		Type string `xml:"type,attr"`
		ID   string `xml:"id,attr"`
		URL  string `xml:"href,attr"`
	} `xml:"references>reference"`
	Collections []collection `xml:"pkglist>collection"`
}

type stamp struct {
	Date string `xml:"date,attr"`
}

type collection struct {
	Short  string `xml:"short,attr"`
	Module *struct {
		Name   string `xml:"name,attr"`
		Stream string `xml:"stream,attr"`
	} `xml:"module"`
	Packages []rpm `xml:"package"`
}

// rpm is a package of the build that mends the flaw.
type rpm struct {
	Name    string `xml:"name,attr"`
	Epoch   string `xml:"epoch,attr"`
	Version string `xml:"version,attr"`
	Release string `xml:"release,attr"`
	Arch    string `xml:"arch,attr"`
}

func (u *update) advisory() (advisory.Advisory, error) {
	a := advisory.Advisory{
		ID: u.ID, Summary: clip(strings.TrimSpace(u.Title)), Details: clip(strings.TrimSpace(u.Description)),
		References: []advisory.Reference{{Type: "ADVISORY", URL: page(u.ID)}},
	}
	var err error
	if a.Published, err = u.Issued.time(); err != nil {
		return a, err
	}
	if a.Modified, err = u.Updated.time(); err != nil {
		return a, err
	}
	a.Modified = later(a.Modified, a.Published)
	for _, r := range u.References {
		if advisory.IsCVE(r.ID) && !slices.Contains(a.Upstream, r.ID) {
			a.Upstream = append(a.Upstream, r.ID)
		}
	}
	a.Affected, err = u.affected()
	return a, err
}

// page is the address of an update's page.
func page(id string) string {
	release, topic := "", id
	switch prefix, _, _ := strings.Cut(id, "-"); {
	case strings.HasPrefix(prefix, "ALAS2023"):
		release, topic = "AL2023/", strings.Replace(id, "ALAS2023", "ALAS", 1)
	case strings.HasPrefix(prefix, "ALAS2022"):
		release, topic = "AL2022/", strings.Replace(id, "ALAS2022", "ALAS", 1)
	case strings.HasPrefix(prefix, "ALAS2"):
		release, topic = "AL2/", strings.Replace(id, "ALAS2", "ALAS", 1)
	}
	return "https://alas.aws.amazon.com/" + release + topic + ".html"
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "")
}

// time reads the forms of a date that occur.
func (s stamp) time() (time.Time, error) {
	if s.Date == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.DateTime, "2006-01-02 15:04", time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(form, s.Date); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("date %.40q", s.Date)
}

// entryKey is what packages of one entry have in common.
type entryKey struct{ ecosystem, module, name, fixed string }

// affected makes an entry of each package, whatever architectures it has.
func (u *update) affected() ([]advisory.Affected, error) {
	var out []advisory.Affected
	index := map[entryKey]int{}
	word := severity(u.Severity)
	for _, c := range u.Collections {
		ecosystem := ecosystemOf(c.Short, u.ID)
		if ecosystem == "" {
			continue
		}
		if len(c.Packages) > maxPackages {
			return nil, fmt.Errorf("more than %d packages", maxPackages)
		}
		for _, p := range c.Packages {
			if p.Name == "" || p.Version == "" || p.Arch == "src" || isDebug(p.Name) {
				continue
			}
			key := entryKey{ecosystem, c.module(), p.Name, p.evr()}
			i, known := index[key]
			if !known {
				i = len(out)
				index[key] = i
				out = append(out, advisory.Affected{
					Ecosystem: ecosystem, Name: p.Name, Module: key.module, Word: word, Ranges: advisory.Below(key.fixed),
				})
			}
			if p.Arch != "" && !slices.Contains(out[i].Arches, p.Arch) {
				out[i].Arches = append(out[i].Arches, p.Arch)
			}
		}
	}
	for i := range out {
		slices.Sort(out[i].Arches)
	}
	slices.SortStableFunc(out, func(a, b advisory.Affected) int {
		return cmp.Or(cmp.Compare(a.Ecosystem, b.Ecosystem), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

// isDebug: symbols and sources for debuggers hold no running code.
func isDebug(name string) bool {
	return strings.HasSuffix(name, "-debuginfo") || strings.HasSuffix(name, "-debugsource") || strings.Contains(name, "-debuginfo-common")
}

func (c *collection) module() string {
	if c.Module == nil || c.Module.Name == "" || c.Module.Stream == "" {
		return ""
	}
	return c.Module.Name + ":" + c.Module.Stream
}

// evr is the package's version as package databases write it.
func (p *rpm) evr() string {
	out := p.Version
	if p.Release != "" {
		out += "-" + p.Release
	}
	if p.Epoch != "" && p.Epoch != "0" {
		out = p.Epoch + ":" + out
	}
	return out
}

// severity writes Amazon's words in one way.
func severity(word string) string {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "low":
		return "Low"
	case "medium", "moderate":
		return "Medium"
	case "important", "high":
		return "Important"
	case "critical":
		return "Critical"
	}
	return ""
}

// ecosystemOf names the release by a collection's short name:
// "amazon-linux-2---kernel-5.15" is the topic kernel-5.15 of Amazon Linux 2's
// extras, whose packages are judged apart from the core's, because they have
// the same names. The further repositories of later releases add names of
// their own.
func ecosystemOf(short, id string) string {
	release, topic, _ := strings.Cut(strings.ToLower(short), "---")
	switch release {
	case "amazon-linux-ami":
		return "Amazon Linux:1"
	case "amazon-linux-2":
		if topic != "" && topic != "core" {
			return "Amazon Linux:2:" + topic
		}
		return "Amazon Linux:2"
	case "bottlerocket":
		return "Bottlerocket"
	}
	if year, ok := strings.CutPrefix(release, "amazon-linux-20"); ok && len(year) == 2 {
		return "Amazon Linux:20" + year
	}
	if strings.HasPrefix(id, "BRSA-") {
		return "Bottlerocket"
	}
	return ""
}
