// Package livetest starts whole servers and speaks to them on the wire, as the
// service models say and without any of the product's own encoders: what it
// sends and expects is worked out here a second time. It is for tests.
package livetest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Model is a service model as its file has it.
type Model struct {
	Metadata struct {
		APIVersion, Protocol, ServiceID, TargetPrefix, SigningName, EndpointPrefix, XMLNamespace string
	}
	Operations map[string]*Operation
	Shapes     map[string]*Shape
}

// Operation is one operation of a Model.
type Operation struct {
	Errors []string
	HTTP   struct{ Method, RequestURI string }
	// Input and Output name shapes; either may be empty.
	Input, Output, ResultWrapper string
	Unsigned                     bool
}

// Shape is one shape of a Model.
type Shape struct {
	Type               string
	Members            map[string]*Member
	Required           []string
	Member, Key, Value *Member
	Min, Max           *float64
	Pattern            string
	Enum               []string
	Sensitive          bool
	Union, Document    bool
	Exception          bool
	Error              struct {
		Code           string
		HTTPStatusCode int
	}
}

// Member refers to a shape, and says where it travels.
type Member struct {
	Shape, Location, LocationName string
	IdempotencyToken              bool
}

// Service is the name in credential scopes, such as "inspector2".
func (m *Model) Service() string {
	if m.Metadata.SigningName != "" {
		return m.Metadata.SigningName
	}
	return m.Metadata.EndpointPrefix
}

// OperationNames lists the operations in order.
func (m *Model) OperationNames() []string { return sorted(m.Operations) }

// MemberNames lists a structure's members in order.
func (s *Shape) MemberNames() []string { return sorted(s.Members) }

// Requires reports whether a member is required.
func (s *Shape) Requires(member string) bool { return slices.Contains(s.Required, member) }

func sorted[V any](m map[string]V) []string {
	var list []string
	for name := range m {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// Models reads every service model by its service's name. The test has to lie
// in a folder of test/.
func Models(t testing.TB) map[string]*Model {
	t.Helper()
	files, err := filepath.Glob("../../internal/awsmodel/models/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no service models: %v", err)
	}
	models := map[string]*Model{}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := &Model{}
		if err := json.Unmarshal(body, m); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		models[m.Service()] = m
	}
	return models
}
