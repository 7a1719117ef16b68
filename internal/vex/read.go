package vex

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"muster/internal/extract/bounded"
	"muster/internal/sbom"
)

// ReadFile adds the statements of a file; name is what notes call it.
func (s *Set) ReadFile(name string) (err error) {
	f, _, err := bounded.Open(os.DirFS(filepath.Dir(name)), filepath.Base(name), MaxFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(bounded.Reader(f, MaxFile)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := s.Read(filepath.Base(name), buf.Bytes()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Read adds the statements of a document in JSON.
func (s *Set) Read(name string, data []byte) error {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var head struct {
		Context    json.RawMessage `json:"@context"`
		Format     string          `json:"bomFormat"`
		Spec       string          `json:"specVersion"`
		Statements json.RawMessage `json:"statements"`
		Document   struct {
			Category string `json:"category"`
		} `json:"document"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return refuse("it must be JSON: %v", err)
	}
	switch {
	case head.Format == "CycloneDX":
		return s.readCycloneDX(name, data)
	case bytes.Contains(head.Context, []byte("openvex")) || (head.Context != nil && head.Statements != nil):
		return s.readOpenVEX(name, data)
	case strings.HasPrefix(head.Document.Category, "csaf_"):
		return s.readCSAF(name, data)
	}
	return refuse("none of OpenVEX, CSAF and CycloneDX")
}

// openProduct is a product or part in OpenVEX: an object, in its first version
// the identifier alone.
type openProduct struct {
	ID          string                     `json:"@id"`
	Identifiers map[string]string          `json:"identifiers"`
	Parts       bounded.Short[openProduct] `json:"subcomponents"`
}

func (p *openProduct) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		return json.Unmarshal(data, &p.ID)
	}
	type plain openProduct
	return json.Unmarshal(data, (*plain)(p))
}

// openVulnerability is an object, in OpenVEX's first version the name alone.
type openVulnerability struct {
	ID      string                `json:"@id"`
	Name    string                `json:"name"`
	Aliases bounded.Short[string] `json:"aliases"`
}

func (v *openVulnerability) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		return json.Unmarshal(data, &v.Name)
	}
	type plain openVulnerability
	return json.Unmarshal(data, (*plain)(v))
}

type openDocument struct {
	Timestamp  stamp           `json:"timestamp"`
	Updated    stamp           `json:"last_updated"`
	Statements json.RawMessage `json:"statements"`
}

type openStatement struct {
	Vulnerability openVulnerability          `json:"vulnerability"`
	Products      bounded.Short[openProduct] `json:"products"`
	Parts         bounded.Short[openProduct] `json:"subcomponents"` // of the first version
	Status        Status                     `json:"status"`
	Notes         string                     `json:"status_notes"`
	Justification string                     `json:"justification"`
	Impact        string                     `json:"impact_statement"`
	Action        string                     `json:"action_statement"`
	Timestamp     stamp                      `json:"timestamp"`
	Updated       stamp                      `json:"last_updated"`
}

// stamp is a date; what is none counts as absent.
type stamp struct{ time.Time }

func (s *stamp) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		s.Time, _ = time.Parse(time.RFC3339, text)
	}
	return nil
}

// latest is the first date that is there.
func latest(list ...stamp) time.Time {
	for _, s := range list {
		if !s.IsZero() {
			return s.Time
		}
	}
	return time.Time{}
}

func (s *Set) readOpenVEX(name string, data []byte) error {
	var d openDocument
	if err := json.Unmarshal(data, &d); err != nil {
		return refuse("OpenVEX: %v", err)
	}
	i := 0
	err := bounded.EachJSON(d.Statements, maxStatements-len(s.statements), func(decoder *json.Decoder) error {
		var in openStatement
		if err := decoder.Decode(&in); err != nil {
			return refuse("OpenVEX: %v", err)
		}
		i++
		return s.addOpen(&d, &in, fmt.Sprintf("statement %d of %s", i, name))
	})
	if err != nil && !errors.Is(err, ErrFormat) {
		err = refuse("OpenVEX: %v", err)
	}
	return err
}

func (s *Set) addOpen(d *openDocument, in *openStatement, origin string) error {
	switch in.Status {
	case NotAffected, Affected, Fixed, UnderInvestigation:
	default:
		return refuse("OpenVEX: %s has the status %.40q", origin, in.Status)
	}
	if in.Vulnerability.Name == "" && in.Vulnerability.ID == "" {
		return refuse("OpenVEX: %s names no vulnerability", origin)
	}
	id := in.Vulnerability.ID
	st := &Statement{
		IDs:    append([]string{in.Vulnerability.Name, id[strings.LastIndexByte(id, '/')+1:]}, in.Vulnerability.Aliases...),
		Status: in.Status, Justification: in.Justification, Detail: joined(in.Impact, in.Notes), Action: in.Action,
		At: latest(in.Updated, in.Timestamp, d.Updated, d.Timestamp), Origin: origin,
	}
	common := openParts(in.Parts)
	for _, p := range in.Products {
		parts := common
		if len(p.Parts) > 0 {
			parts = openParts(p.Parts)
		}
		for _, i := range openIdentities(p) {
			st.products = append(st.products, product{i, parts})
		}
		if s.identities += 1 + len(p.Parts); s.identities > maxIdentities {
			return refuse("more than %d products", maxIdentities)
		}
	}
	s.add(st)
	return nil
}

// openParts gives each way in which parts are identified.
func openParts(list []openProduct) []identity {
	var out []identity
	for _, part := range list {
		out = append(out, openIdentities(part)...)
	}
	return out
}

// openIdentities gives each way in which a product is identified.
func openIdentities(p openProduct) []identity {
	var out []identity
	if p.ID != "" {
		i := identity{Subject: sbom.Subject{Ref: p.ID}}
		if strings.HasPrefix(p.ID, "pkg:") {
			i.Subject = sbom.Subject{PURL: p.ID}
		}
		out = append(out, i)
	}
	if url := p.Identifiers["purl"]; url != "" && url != p.ID {
		out = append(out, identity{Subject: sbom.Subject{PURL: url}})
	}
	return out
}

func joined(texts ...string) string {
	var out []string
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			out = append(out, t)
		}
	}
	return strings.Join(out, " ")
}
