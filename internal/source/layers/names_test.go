package layers

import (
	"bytes"
	"io/fs"
	"testing"
)

// TestNamesThatAreNoUTF8: what lies in a folder whose name is no UTF-8 is seen,
// is not taken for what lies in another, and can be deleted.
func TestNamesThatAreNoUTF8(t *testing.T) {
	tree := New(t.TempDir(), func(string) bool { return true })
	defer tree.Close()
	for n, data := range [][]byte{layer(t, "\xff/a", "\xfe/a", "l\xe4nder/b", "ok/c"), layer(t, "\xff/.wh.a", "d => l\xe4nder/b", "s -> l\xe4nder")} {
		if err := tree.Apply(t.Context(), n, bytes.NewReader(data), func(string) {}); err != nil {
			t.Fatal(err)
		}
	}
	var files []string
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, name)
			_, err = fs.ReadFile(tree, name)
		}
		return err
	})
	if _, failed := fs.ReadFile(tree, "s/b"); failed != nil {
		t.Error(failed)
	}
	if err != nil || len(files) != 4 || files[0] != "d" || files[1] != "l\uf7e4nder/b" {
		t.Errorf("%q, %v", files, err)
	}
}
