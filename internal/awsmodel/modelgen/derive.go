package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// source is the form in which AWS publishes its models, as far as it differs
// from the committed form.
type source struct {
	Metadata   metadata                   `json:"metadata"`
	Operations map[string]sourceOperation `json:"operations"`
	Pagination map[string]paging          `json:"pagination"`
	Shapes     map[string]shape           `json:"shapes"`
}

type sourceOperation struct {
	AuthType string `json:"authtype"`
	Errors   []ref  `json:"errors"`
	HTTP     binding
	Input    ref
	Output   struct {
		Shape         string `json:"shape"`
		ResultWrapper string `json:"resultWrapper"`
	}
	ReadOnly bool `json:"readonly"`
}

func derive(from, to string) error {
	for _, s := range services() {
		if s.own {
			continue
		}
		if err := deriveOne(filepath.Join(from, s.file+".json"), filepath.Join(to, s.file+".json")); err != nil {
			return fmt.Errorf("service %s: %w", s.pkg, err)
		}
	}
	return nil
}

func deriveOne(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var src source
	if err := json.Unmarshal(b, &src); err != nil {
		return err
	}
	if err := checkKeys(b); err != nil {
		return err
	}
	d := description{Metadata: src.Metadata, Operations: map[string]operation{}, Pagination: src.Pagination, Shapes: src.Shapes}
	for name, o := range src.Operations {
		d.Operations[name] = o.committed()
	}
	for name, p := range d.Pagination {
		if p == (paging{}) {
			delete(d.Pagination, name)
		}
	}
	out, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(to, append(out, '\n'), 0o644)
}

func (o sourceOperation) committed() operation {
	out := operation{
		HTTP: o.HTTP, Input: o.Input.Shape, Output: o.Output.Shape, ReadOnly: o.ReadOnly,
		ResultWrapper: o.Output.ResultWrapper, Unsigned: o.AuthType == "none",
	}
	for _, e := range o.Errors {
		out.Errors = append(out.Errors, e.Shape)
	}
	slices.Sort(out.Errors)
	return out
}

// checkKeys refuses a model with a trait that neither the committed form keeps
// nor this list drops on purpose: it could be a constraint.
func checkKeys(model []byte) error {
	known := []string{
		"type", "members", "member", "key", "value", "required", "min", "max", "pattern", "enum", "sensitive", "union", "document",
		"exception", "error", "fault", // kept
		"box", "retryable", // say nothing about the wire
	}
	knownInMember := []string{
		"shape", "location", "locationName", "idempotencyToken", // kept
		"deprecated", "deprecatedMessage", // prose
	}
	var m struct {
		Shapes map[string]map[string]json.RawMessage `json:"shapes"`
	}
	if err := json.Unmarshal(model, &m); err != nil {
		return err
	}
	for name, s := range m.Shapes {
		for k := range s {
			if !slices.Contains(known, k) {
				return fmt.Errorf("shape %s has the unknown trait %q", name, k)
			}
		}
		if err := checkMembers(name, s["members"], knownInMember); err != nil {
			return err
		}
	}
	return nil
}

func checkMembers(shape string, members json.RawMessage, known []string) error {
	if members == nil {
		return nil
	}
	var ms map[string]map[string]json.RawMessage
	if err := json.Unmarshal(members, &ms); err != nil {
		return err
	}
	for name, m := range ms {
		for k := range m {
			if !slices.Contains(known, k) {
				return fmt.Errorf("member %s of shape %s has the unknown trait %q", name, shape, k)
			}
		}
	}
	return nil
}
