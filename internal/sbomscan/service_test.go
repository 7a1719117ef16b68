package sbomscan_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"muster/internal/advisorydb"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspectorscan"
	"muster/internal/sbomscan"
)

func empty(context.Context) (*advisorydb.Set, error) { return advisorydb.Empty(), nil }

func ask(s *sbomscan.Service, document string, form inspectorscan.OutputFormat) (string, error) {
	call := &awsmodel.Call{Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	out, err := s.ScanSbom(context.Background(), call, &inspectorscan.ScanSbomInput{Sbom: json.RawMessage(document), OutputFormat: form})
	if err != nil {
		return "", err
	}
	return string(out.Sbom), nil
}

// TestRefusals: what is no CycloneDX document is refused with the reason that
// the interface has for it.
func TestRefusals(t *testing.T) {
	many := strings.Repeat(`{"type":"library","name":"a"},`, sbomscan.MaxComponents) + `{"type":"library","name":"a"}`
	deep := strings.Repeat(`{"name":"a","components":[`, 80) + strings.Repeat(`]}`, 80)
	for document, want := range map[string]inspectorscan.ValidationExceptionReason{
		`[]`:                         "CANNOT_PARSE",
		`null`:                       "CANNOT_PARSE",
		`"x"`:                        "CANNOT_PARSE",
		`{}`:                         "UNSUPPORTED_SBOM_TYPE",
		`{"spdxVersion":"SPDX-2.3"}`: "UNSUPPORTED_SBOM_TYPE",
		`{"bomFormat":"CycloneDX"}`:  "UNSUPPORTED_SBOM_TYPE",
		`{"bomFormat":"CycloneDX","specVersion":"2.0"}`:                             "UNSUPPORTED_SBOM_TYPE",
		`{"bomFormat":"CycloneDX","specVersion":"1.5","components":{}}`:             "CANNOT_PARSE",
		`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[1]}`:            "CANNOT_PARSE",
		`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"purl":1}]}`:   "CANNOT_PARSE",
		`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[` + deep + `]}`: "CANNOT_PARSE",
		`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[` + many + `]}`: "FIELD_VALIDATION_FAILED",
	} {
		_, err := ask(sbomscan.New(empty), document, "")
		var refusal *inspectorscan.ValidationException
		if !errors.As(err, &refusal) || refusal.Reason != want || len(refusal.Fields) != 1 {
			t.Errorf("%.80s: %v, want %s", document, err, want)
		}
	}
}

// TestEcho: the answer is the caller's document with every member that it had,
// references where there were none, and the scanner's words.
func TestEcho(t *testing.T) {
	const document = `{"bomFormat":"CycloneDX","specVersion":"1.4","version":3,"x":{"y":[1.50,12345678901234567890]},
	 "metadata":{"tools":[{"vendor":"v","name":"gen","version":"9"}],"component":{"type":"container","name":"img"}},
	 "components":[{"type":"operating-system","name":"Debian","version":"12"},
	  {"type":"library","name":"a","purl":"pkg:deb/debian/a@1?distro=bookworm","components":[{"bom-ref":"comp-1","type":"library","name":"b"}]},
	  {"type":"library","name":"c","purl":"nonsense"},
	  {"type":"file","name":"dockerfile:Dockerfile","properties":[{"name":"amazon:inspector:sbom_generator:dockerfile_finding:IN-DOCKER-007-009","value":"affected_lines:3-4"}]}]}`
	answer, err := ask(sbomscan.New(empty), document, inspectorscan.OutputFormatCycloneDx15)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"specVersion":"1.5"`, `"version":3`, `"y":[1.50,12345678901234567890]`, `"name":"img"`, `"name":"gen"`, `"timestamp":"2026-01-01T00:00:00.000Z"`,
		`"bom-ref":"comp-2"`, `Component skipped: no rules found.`, `Component skipped: no purl provided.`, `Component skipped: invalid purl`,
		`"amazon:inspector:sbom_scanner:critical_vulnerabilities","value":"1"`, `"id":"IN-DOCKER-007-009"`,
		`"amazon:inspector:sbom_scanner:dockerfile_finding:IN-DOCKER-007-009","value":"affected_lines:3-4"`,
	} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %s in\n%s", want, answer)
		}
	}
	again, err := ask(sbomscan.New(empty), document, "")
	if err != nil || again != answer {
		t.Errorf("the same document is answered otherwise, %v", err)
	}
	answer, err = ask(sbomscan.New(empty), document, inspectorscan.OutputFormatInspector)
	if err != nil || !strings.Contains(answer, `"affects":[{"file":"dockerfile:Dockerfile","lines":"3-4"}]`) {
		t.Errorf("%s, %v", answer, err)
	}
}

// FuzzScanSbom: whatever is sent is answered or refused, never a failure.
func FuzzScanSbom(f *testing.F) {
	f.Add(`{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"bom-ref":"x","purl":"pkg:npm/a@1"},{"bom-ref":"x","purl":"pkg:npm/b@1"}]}`)
	f.Add(`{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"tools":{"services":{}},"properties":[]},"components":[{"properties":[null,{"name":"amazon:inspector:sbom_generator:dockerfile_finding:"}]}]}`)
	f.Fuzz(func(t *testing.T, document string) {
		for _, form := range []inspectorscan.OutputFormat{"", inspectorscan.OutputFormatInspector} {
			answer, err := ask(sbomscan.New(empty), document, form)
			var refusal *inspectorscan.ValidationException
			if err != nil && !errors.As(err, &refusal) {
				t.Fatal(err)
			}
			if err == nil && !json.Valid([]byte(answer)) {
				t.Fatal(fmt.Errorf("no JSON: %s", answer))
			}
		}
	})
}
