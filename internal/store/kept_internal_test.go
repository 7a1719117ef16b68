package store

import (
	"testing"

	"pgregory.net/rapid"
)

// TestKeptIsBoundedAndTrue: whatever is put and asked for, what is held stays
// within the limit, and an answer is the value of its key.
func TestKeptIsBoundedAndTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := newKept(100)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			key := rapid.IntRange(0, 30).Draw(t, "key")
			if rapid.Bool().Draw(t, "put") {
				k.put(key, key, rapid.IntRange(1, 120).Draw(t, "size"))
			} else if v := k.get(key); v != nil && v != key {
				t.Fatalf("key %d gives %v", key, v)
			}
			size := 0
			for e := k.order.Front(); e != nil; e = e.Next() {
				size += e.Value.(*keptValue).size
			}
			if size != k.size || size > 100 || len(k.byKey) != k.order.Len() {
				t.Fatalf("%d bytes in %d values, counted %d in %d", size, k.order.Len(), k.size, len(k.byKey))
			}
		}
	})
}

func TestKeptForgetsTheLeastUsed(t *testing.T) {
	k := newKept(3)
	for _, key := range []string{"a", "b", "c"} {
		k.put(key, key, 1)
	}
	k.get("a")
	k.put("d", "d", 1)
	if k.get("a") == nil || k.get("b") != nil || k.get("d") == nil {
		t.Errorf("held: %v", k.byKey)
	}
}
