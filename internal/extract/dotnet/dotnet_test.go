package dotnet

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	found, err := Parse(strings.NewReader(`{"runtimeTarget":{"name":".NETCoreApp,Version=v8.0"},"libraries":{
		"app/1.0.0":{"type":"project"},"Newtonsoft.Json/12.0.1":{"type":"package"},
		"Microsoft.NETCore.App.Runtime.linux-x64/8.0.1":{"type":"runtimepack"},"odd":{"type":"package"}}}`))
	var got []string
	for _, c := range found {
		got = append(got, c.Name+" "+c.Version)
	}
	slices.Sort(got)
	if want := []string{"Microsoft.NETCore.App.Runtime.linux-x64 8.0.1", "Newtonsoft.Json 12.0.1"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := Parse(strings.NewReader("[")); err == nil {
		t.Error("broken JSON is accepted")
	}
	if !Wants("app/x.deps.json") || Wants("deps.json") || Root("app/x.deps.json") != "app" {
		t.Error("names")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"libraries":{"a/1.0":{"type":"package"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if found, err := Parse(bytes.NewReader(data)); err != nil && found != nil {
			t.Error("packages and an error")
		}
	})
}
