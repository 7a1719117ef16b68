// Package sbomscan answers inspector-scan's ScanSbom: what is known about the
// components of a CycloneDX document, in two forms, without leaving any trace
// (findings specification 10.3). The line is that of "muster scan".
package sbomscan

import (
	"context"
	"encoding/json"
	"fmt"

	"muster/internal/advisorydb"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspectorscan"
	"muster/internal/scanner"
)

// MaxComponents is how many components one document may list.
const MaxComponents = 2000

// Service answers ScanSbom. It is safe for concurrent use.
type Service struct {
	// advisories opens the set in service; the caller closes it.
	advisories func(context.Context) (*advisorydb.Set, error)
}

// New makes the desk. advisories opens the set of advisories in service.
func New(advisories func(context.Context) (*advisorydb.Set, error)) *Service {
	return &Service{advisories}
}

// Handlers lists what is implemented.
func (s *Service) Handlers() inspectorscan.Handlers {
	return inspectorscan.Handlers{ScanSbom: s.ScanSbom}
}

// ScanSbom judges the components of a document.
func (s *Service) ScanSbom(ctx context.Context, call *awsmodel.Call, in *inspectorscan.ScanSbomInput) (*inspectorscan.ScanSbomOutput, error) {
	doc, err := readDocument(in.Sbom)
	if err != nil {
		return nil, err
	}
	set, err := s.advisories(ctx)
	if err != nil {
		return nil, fmt.Errorf("advisories in service: %w", err)
	}
	defer set.Close()
	target := scanner.Target{Kind: scanner.SBOM, Name: doc.subject.Name}
	result, err := scanner.Judge(ctx, target, doc.inventory, set, scanner.Judging{})
	if err != nil {
		return nil, err
	}
	doc.annotate(result, call.Time)
	var answer any
	switch in.OutputFormat {
	case inspectorscan.OutputFormatInspector, inspectorscan.OutputFormatInspectorAlt:
		answer = doc.inspectorForm()
	default:
		answer = doc.cycloneDX(call.Time)
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	return &inspectorscan.ScanSbomOutput{Sbom: body}, nil
}
