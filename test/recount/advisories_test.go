package recount

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// publish writes the advisories as a folder of feeds.
func (p *plan) publish(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "osv"), 0o755); err != nil {
		return err
	}
	for ecosystem := range catalogue {
		body, err := p.archive(ecosystem)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "osv", ecosystem+".zip"), body, 0o600)
		}
		if err != nil {
			return err
		}
	}
	if err := p.month(dir); err != nil {
		return err
	}
	epss, err := p.scores()
	if err != nil {
		return err
	}
	records, err := p.records()
	if err != nil {
		return err
	}
	files := map[string][]byte{"epss.csv.gz": epss, "cve.ndjson.gz": records, "kev.json": p.exploited(), "exploits.json": p.exploits()}
	for name, body := range files {
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// archive is an ecosystem's records in OSV's form.
func (p *plan) archive(ecosystem string) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for n, a := range p.Advisories {
		fixed := a.Fixed[ecosystem]
		if len(fixed) == 0 {
			continue
		}
		body, err := json.Marshal(a.record(n, ecosystem, fixed))
		if err != nil {
			return nil, err
		}
		f, err := z.Create(fmt.Sprintf("%s-%d.json", ecosystem, n))
		if err == nil {
			_, err = f.Write(body)
		}
		if err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return out.Bytes(), err
}

func (a *advisory) record(n int, ecosystem string, fixed map[string]int) map[string]any {
	r := map[string]any{"schema_version": "1.7.0", "modified": "2026-01-01T00:00:00Z", "published": "2026-01-01T00:00:00Z", "details": a.Text, "severity": []any{}}
	if a.Vector != "" {
		r["severity"] = []any{map[string]string{"type": "CVSS_V3", "score": a.Vector}}
	}
	releases, kind := []string{ecosystem}, "SEMVER"
	switch ecosystem {
	case debian:
		r["id"], r["upstream"] = "DEBIAN-"+a.ID, []string{a.ID}
		releases, kind = []string{"Debian:11", "Debian:12"}, "ECOSYSTEM"
	case pypi:
		r["id"], r["aliases"], kind = fmt.Sprintf("PYSEC-2026-%d", n), []string{a.ID}, "ECOSYSTEM"
	case npm:
		r["id"], r["aliases"] = fmt.Sprintf("GHSA-2222-3333-%04d", 2222+n), []string{a.ID}
	}
	var affected []any
	for _, name := range slices.Sorted(maps.Keys(fixed)) {
		events := []any{map[string]string{"introduced": "0"}}
		if v := fixed[name]; v > 0 {
			events = append(events, map[string]string{"fixed": versionText(ecosystem, name, v)})
		}
		for _, release := range releases {
			entry := map[string]any{"package": map[string]string{"ecosystem": release, "name": name}, "ranges": []any{map[string]any{"type": kind, "events": events}}}
			if a.Word != "" && ecosystem == debian {
				entry["ecosystem_specific"] = map[string]string{"urgency": a.Word}
			}
			affected = append(affected, entry)
		}
	}
	r["affected"] = affected
	return r
}

func (p *plan) scores() ([]byte, error) {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	fmt.Fprint(z, "#model_version:v2025.03.14,score_date:2026-11-01T00:00:00+0000\ncve,epss,percentile\n")
	for _, a := range p.Advisories {
		if a.EPSS != nil {
			fmt.Fprintf(z, "%s,%.5f,0.5\n", a.ID, *a.EPSS)
		}
	}
	err := z.Close()
	return out.Bytes(), err
}

// records are what is known of each CVE.
func (p *plan) records() ([]byte, error) {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	to := json.NewEncoder(z)
	for _, a := range p.Advisories {
		r := map[string]any{"id": a.ID, "src": []string{"nvd"}, "published": "2026-01-01T00:00:00Z", "modified": "2026-01-02T00:00:00Z", "description": a.Text, "cwe": []string{"CWE-79"}, "assigner": "mitre"}
		if a.Vector != "" {
			r["cvss"] = []any{map[string]any{"source": "NVD", "vector": a.Vector, "score": scoreOf(a.Vector)}}
		}
		if err := to.Encode(r); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return out.Bytes(), err
}

func (p *plan) exploited() []byte {
	list := []any{}
	for _, a := range p.Advisories {
		if a.KEV {
			list = append(list, map[string]any{"cveID": a.ID, "vendorProject": "v", "product": "p", "vulnerabilityName": "n", "dateAdded": "2026-02-03",
				"shortDescription": "d", "requiredAction": "Update.", "dueDate": "2026-02-24", "knownRansomwareCampaignUse": "Unknown", "notes": ""})
		}
	}
	return indented(map[string]any{"title": "t", "catalogVersion": "2026.07.16", "dateReleased": "2026-07-16T00:00:00.0000Z", "count": len(list), "vulnerabilities": list})
}

func (p *plan) exploits() []byte {
	m := map[string]any{}
	for _, a := range p.Advisories {
		if a.Exploit {
			m[a.ID] = map[string]any{"metasploit": []string{"modules/exploits/example.rb"}}
		}
	}
	return indented(m)
}

func indented(v any) []byte {
	body, err := json.MarshalIndent(v, "", " ")
	if err != nil { // plain values
		panic(err)
	}
	return body
}
