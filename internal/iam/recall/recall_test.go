package recall

import (
	"errors"
	"strconv"
	"testing"
	"time"
)

func TestCacheForgetsAtOnceAndWithAge(t *testing.T) {
	now := time.Unix(0, 0)
	c := New(func() time.Time { return now })
	reads := 0
	read := func() int {
		t.Helper()
		v, err := Get(c, "111111111111", "k", func() (int, error) { reads++; return reads, nil })
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if a, b := read(), read(); a != 1 || b != 1 {
		t.Errorf("read %d, then %d", a, b)
	}
	c.Forget("222222222222")
	if v := read(); v != 1 {
		t.Errorf("another account's change: %d", v)
	}
	c.Forget("111111111111")
	if v := read(); v != 2 {
		t.Errorf("after a change: %d", v)
	}
	now = now.Add(Age)
	if v := read(); v != 3 {
		t.Errorf("after its age: %d", v)
	}
}

// A value read before a change must not be kept after it.
func TestCacheKeepsNothingReadBeforeAChange(t *testing.T) {
	c := New(time.Now)
	v, err := Get(c, "111111111111", "k", func() (string, error) {
		c.Forget("111111111111")
		return "old", nil
	})
	if err != nil || v != "old" {
		t.Fatalf("got %q, %v", v, err)
	}
	v, err = Get(c, "111111111111", "k", func() (string, error) { return "new", nil })
	if err != nil || v != "new" {
		t.Errorf("got %q, %v", v, err)
	}
	// Nor an error.
	if _, err := Get(c, "111111111111", "e", func() (int, error) { return 0, errors.New("down") }); err == nil {
		t.Error("no error")
	}
	if v, err := Get(c, "111111111111", "e", func() (int, error) { return 1, nil }); v != 1 || err != nil {
		t.Errorf("got %d, %v", v, err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := New(time.Now)
	for i := range maxSize + 10 {
		_, _ = Get(c, "111111111111", strconv.Itoa(i), func() (int, error) { return i, nil })
	}
	if c.size > maxSize || len(c.accounts["111111111111"].entries) > 20 {
		t.Errorf("%d entries", c.size)
	}
}
