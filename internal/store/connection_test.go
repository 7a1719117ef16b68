package store_test

import (
	"strings"
	"testing"

	"muster/internal/store"
	"muster/internal/store/storetest"
)

// TestStatementsAreNotCompiled: PostgreSQL is told not to compile statements,
// unless the operator wants it.
func TestStatementsAreNotCompiled(t *testing.T) {
	url := storetest.Postgres(t)
	joint := "?"
	if strings.Contains(url, "?") {
		joint = "&"
	}
	for suffix, want := range map[string]string{"": "off", joint + "jit=on": "on"} {
		s := storetest.Open(t, url+suffix, store.Options{})
		var got string
		err := s.View(t.Context(), func(tx *store.Tx) error { return store.One(tx.QueryRow(t.Context(), `SHOW jit`), &got) })
		if err != nil || got != want {
			t.Errorf("with %q jit is %q, %v, expected %q", suffix, got, err, want)
		}
	}
}
