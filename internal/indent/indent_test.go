package indent_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"muster/internal/indent"
)

// standard is what the standard library writes.
func standard(t *testing.T, value any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(value); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func FuzzEncode(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, `1.5e3`, `"a\"b\\"`, `[[],{},[{}],""]`, `{"a":{"b":[1,2,{"c":null}],"d":{}},"e":"x:y,{}[]\n<&>"}`, `[true,false,-1]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var value any
		if json.Unmarshal([]byte(text), &value) != nil {
			return
		}
		var b bytes.Buffer
		if err := indent.Encode(&b, value); err != nil {
			t.Fatal(err)
		}
		if want := standard(t, value); b.String() != want {
			t.Errorf("got\n%s\nwant\n%s", b.String(), want)
		}
	})
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestErrors(t *testing.T) {
	if err := indent.Encode(full{}, strings.Repeat("x", 1<<20)); err == nil {
		t.Error("a full disk is not told")
	}
	if err := indent.Encode(full{}, []int{1}); err == nil {
		t.Error("a full disk is not told at the end")
	}
	if err := indent.Encode(&bytes.Buffer{}, func() {}); err == nil {
		t.Error("what JSON cannot say is accepted")
	}
}
