package eventform_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"muster/internal/finding"
	"muster/internal/finding/eventform"
	"muster/internal/finding/findingtest"

	"pgregory.net/rapid"
)

// TestFormIsReadBack: what sinks make of an event is made of its JSON, so
// nothing may be lost on the way.
func TestFormIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := findingtest.Finding(t, findingtest.Accounts()[0], findingtest.Resource(t, 1), 1)
		first, err := json.Marshal(eventform.Of(&f))
		if err != nil {
			t.Fatal(err)
		}
		var back eventform.Finding
		if err := json.Unmarshal(first, &back); err != nil {
			t.Fatal(err)
		}
		second, err := json.Marshal(back)
		if err != nil || string(first) != string(second) {
			t.Errorf("%s became %s: %v", first, second, err)
		}
	})
}

// TestDetailsAreTold: a finding of any type, of any kind of resource, says
// everything in its event that it has.
func TestDetailsAreTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := findingtest.Finding(t, findingtest.Accounts()[0], findingtest.Resource(t, 1), 1)
		e := eventform.Of(&f)
		if (f.Package != nil) != (e.Package != nil) || (f.Network != nil) != (e.Network != nil) || (f.Code != nil) != (e.Code != nil) {
			t.Errorf("the details of a %s are missing", f.Type)
		}
		d := e.Resources[0].Details
		if described(f.Resource) != !reflect.ValueOf(d).IsZero() {
			t.Errorf("a %s is described as %+v", f.Resource.Type, d)
		}
	})
}

func described(r finding.Resource) bool {
	return r.Instance != nil || r.Image != nil || r.Function != nil || r.Code != nil
}
