package layout_test

import (
	"testing"

	"muster/internal/feed/layout"
)

// FuzzList: a manifest names files of the layout only.
func FuzzList(f *testing.F) {
	f.Add([]byte(`{"version":1,"files":[{"path":"kev.json","source":"kev","size":1}]}`))
	f.Add([]byte(`{"version":1,"files":[{"path":"../kev.json","source":"kev"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := layout.ParseList(data)
		if err != nil {
			return
		}
		for _, file := range l.Files {
			if _, ok := layout.Of(file.Path); !ok {
				t.Errorf("%q is no file of a feeds folder", file.Path)
			}
		}
	})
}
