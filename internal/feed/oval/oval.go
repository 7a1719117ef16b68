// Package oval reads the OVAL definitions of Oracle Linux and SUSE (feeds
// specification 5.6): which packages below which version are affected, in
// which releases. The trees of criteria are flattened; what they test beside
// that (signatures, files) does not matter here.
package oval

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"muster/internal/extract/bounded"
	"muster/internal/feed"
)

// Bounds of a file. The largest real ones have 400 MB, 30,000 definitions and
// 200,000 tests.
const (
	maxBytes       = 8 << 30
	maxDefinitions = 1_000_000
	maxTests       = 20_000_000
	maxDepth       = 32
	maxNodes       = 2_000_000 // of one definition
	maxConditions  = 2_000     // of one kind, of one definition
	maxEntries     = 2_000_000 // of one definition
	maxText        = 64 << 10
)

// ErrDefinitions says that bytes are no OVAL definitions; the wrapping error
// says why.
var ErrDefinitions = errors.New("not OVAL definitions")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrDefinitions}, args...)...)
}

// file is everything of a file that is read. What tests mean comes after the
// definitions that refer to them.
type file struct {
	definitions []definition
	tests       map[string]test
	objects     map[string]string // the name of an rpm package
	states      map[string]state
	texts       map[string]string // interned
}

// definition is a <definition> element.
type definition struct {
	id, class, title, description, severity string
	issued, updated                         string
	references                              []reference
	cves                                    []scored
	root                                    node
}

type reference struct {
	Source string `xml:"source,attr"`
	ID     string `xml:"ref_id,attr"`
	URL    string `xml:"ref_url,attr"`
}

type scored struct {
	CVSS3 string `xml:"cvss3,attr"`
	URL   string `xml:"href,attr"`
}

// node is a tree of criteria; a leaf has a test.
type node struct {
	or            bool
	children      []node
	test, comment string
}

// test joins an object with a state.
type test struct {
	object, state string
	// module is what a test of a module's state is about.
	module string
}

type state struct {
	evr, evrOp, version, versionOp, arch string
}

// read decodes a file.
func read(r io.Reader) (*file, error) {
	f := &file{tests: map[string]test{}, objects: map[string]string{}, states: map[string]state{}, texts: map[string]string{}}
	d := bounded.XML(xml.NewDecoder(feed.Bounded(r, maxBytes)))
	rooted := false
	for {
		token, err := d.Token()
		if err == io.EOF && rooted {
			return f, nil
		}
		if err != nil {
			return nil, refuse("%w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !rooted && start.Name.Local != "oval_definitions" {
			return nil, refuse("it begins with <%.40s>", start.Name.Local)
		}
		rooted = true
		if err := f.element(d, start); err != nil {
			return nil, err
		}
	}
}

// element reads one of the elements that matter; it enters all others.
func (f *file) element(d *xml.Decoder, start xml.StartElement) error {
	switch start.Name.Local {
	case "definition":
		if len(f.definitions) == maxDefinitions {
			return refuse("more than %d definitions", maxDefinitions)
		}
		return f.definition(d, start)
	case "rpminfo_test", "textfilecontent54_test":
		return f.test(d, start)
	case "rpminfo_object":
		return f.object(d, start)
	case "rpminfo_state":
		return f.state(d, start)
	}
	return nil
}

func attribute(start xml.StartElement, name string) string {
	for _, a := range start.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// intern keeps one copy of what comes again and again.
func (f *file) intern(s string) string {
	if len(s) > 1000 {
		s = s[:1000]
	}
	if known, ok := f.texts[s]; ok {
		return known
	}
	if len(f.texts) < maxTests {
		f.texts[s] = s
	}
	return s
}

func (f *file) test(d *xml.Decoder, start xml.StartElement) error {
	var e struct {
		Object struct {
			Ref string `xml:"object_ref,attr"`
		} `xml:"object"`
		State struct {
			Ref string `xml:"state_ref,attr"`
		} `xml:"state"`
	}
	if err := d.DecodeElement(&e, &start); err != nil {
		return refuse("%w", err)
	}
	if len(f.tests) == maxTests {
		return refuse("more than %d tests", maxTests)
	}
	t := test{object: f.intern(e.Object.Ref), state: f.intern(e.State.Ref)}
	if start.Name.Local == "textfilecontent54_test" {
		t = test{module: f.intern(moduleOf(attribute(start, "comment")))}
	}
	f.tests[attribute(start, "id")] = t
	return nil
}

// moduleOf reads "Module virt:kvm_utils is enabled".
func moduleOf(comment string) string {
	rest, ok := strings.CutPrefix(comment, "Module ")
	module, _, enabled := strings.Cut(rest, " is enabled")
	if !ok || !enabled || !strings.Contains(module, ":") {
		return ""
	}
	return module
}

func (f *file) object(d *xml.Decoder, start xml.StartElement) error {
	var e struct {
		Name string `xml:"name"`
	}
	if err := d.DecodeElement(&e, &start); err != nil {
		return refuse("%w", err)
	}
	if len(f.objects) == maxTests {
		return refuse("more than %d objects", maxTests)
	}
	f.objects[attribute(start, "id")] = f.intern(strings.TrimSpace(e.Name))
	return nil
}

// value is a bound of a state and how it is compared.
type value struct {
	Op   string `xml:"operation,attr"`
	Text string `xml:",chardata"`
}

func (f *file) state(d *xml.Decoder, start xml.StartElement) error {
	var e struct {
		EVR     value `xml:"evr"`
		Version value `xml:"version"`
		Arch    value `xml:"arch"`
	}
	if err := d.DecodeElement(&e, &start); err != nil {
		return refuse("%w", err)
	}
	if len(f.states) == maxTests {
		return refuse("more than %d states", maxTests)
	}
	text := func(v value) string { return f.intern(strings.TrimSpace(v.Text)) }
	f.states[attribute(start, "id")] = state{
		evr: text(e.EVR), evrOp: e.EVR.Op, version: text(e.Version), versionOp: e.Version.Op, arch: text(e.Arch),
	}
	return nil
}

func (f *file) definition(d *xml.Decoder, start xml.StartElement) error {
	out := definition{id: attribute(start, "id"), class: attribute(start, "class")}
	for {
		token, err := d.Token()
		if err != nil {
			return refuse("%w", err)
		}
		switch t := token.(type) {
		case xml.EndElement:
			f.definitions = append(f.definitions, out)
			return nil
		case xml.StartElement:
			switch t.Name.Local {
			case "metadata":
				err = out.metadata(d, t)
			case "criteria":
				nodes := 0
				out.root, err = f.criteria(d, t, 0, &nodes)
			default:
				err = d.Skip()
			}
			if err != nil {
				return refuse("%.100s: %w", out.id, err)
			}
		}
	}
}

func (d *definition) metadata(in *xml.Decoder, start xml.StartElement) error {
	var e struct {
		Title       string      `xml:"title"`
		Description string      `xml:"description"`
		References  []reference `xml:"reference"`
		Advisory    struct {
			Severity string `xml:"severity"`
			Issued   struct {
				Date string `xml:"date,attr"`
			} `xml:"issued"`
			Updated struct {
				Date string `xml:"date,attr"`
			} `xml:"updated"`
			CVEs []scored `xml:"cve"`
		} `xml:"advisory"`
	}
	if err := in.DecodeElement(&e, &start); err != nil {
		return err
	}
	d.title, d.description = strings.TrimSpace(e.Title), strings.TrimSpace(e.Description)
	d.severity, d.issued, d.updated = strings.TrimSpace(e.Advisory.Severity), e.Advisory.Issued.Date, e.Advisory.Updated.Date
	d.references, d.cves = e.References, e.Advisory.CVEs
	return nil
}

// criteria reads a tree.
func (f *file) criteria(d *xml.Decoder, start xml.StartElement, depth int, nodes *int) (node, error) {
	n := node{or: attribute(start, "operator") == "OR"}
	if depth > maxDepth {
		return n, fmt.Errorf("criteria nested deeper than %d", maxDepth)
	}
	for {
		token, err := d.Token()
		if err != nil {
			return n, err
		}
		t, ok := token.(xml.StartElement)
		if !ok {
			if _, end := token.(xml.EndElement); end {
				return n, nil
			}
			continue
		}
		if *nodes++; *nodes > maxNodes {
			return n, fmt.Errorf("more than %d criteria", maxNodes)
		}
		switch t.Name.Local {
		case "criteria":
			child, err := f.criteria(d, t, depth+1, nodes)
			if err != nil {
				return n, err
			}
			n.children = append(n.children, child)
		case "criterion":
			n.children = append(n.children, node{test: f.intern(attribute(t, "test_ref")), comment: f.intern(attribute(t, "comment"))})
			fallthrough
		default:
			if err := d.Skip(); err != nil {
				return n, err
			}
		}
	}
}
