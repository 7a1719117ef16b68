package scan

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"muster/internal/arn"
	"muster/internal/store/catalog"
)

// TestSweeps: every resource is in one job, in order, no job is too large, and
// an account that fits into one is not divided.
func TestSweeps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []catalog.DueResource
		var numbers []int64
		of := map[int64]arn.AccountID{}
		sizes := map[arn.AccountID]int{}
		for i, size := range rapid.SliceOfN(rapid.OneOf(rapid.IntRange(1, 30), rapid.IntRange(1, 3*swept)), 0, 12).Draw(t, "machines of accounts") {
			account := arn.AccountID(rune('a' + i))
			sizes[account] = size
			for range size {
				n := int64(len(list))
				list, numbers, of[n] = append(list, catalog.DueResource{Account: account, Number: n}), append(numbers, n), account
			}
		}
		var all []int64
		jobs := map[arn.AccountID]int{}
		for part := range sweeps(list) {
			if len(part.Resources) == 0 || len(part.Resources) > swept {
				t.Fatalf("a job of %d resources", len(part.Resources))
			}
			all = append(all, part.Resources...)
			in := map[arn.AccountID]bool{}
			for _, n := range part.Resources {
				in[of[n]] = true
			}
			for account := range in {
				jobs[account]++
			}
		}
		if !slices.Equal(all, numbers) {
			t.Fatalf("%d resources of %d", len(all), len(numbers))
		}
		for account, n := range jobs {
			if sizes[account] <= swept && n > 1 {
				t.Fatalf("account %s of %d resources is in %d jobs", account, sizes[account], n)
			}
		}
	})
}

func TestSharedContentsAreBounded(t *testing.T) {
	c := &contents{list: map[sight]*content{}, known: map[int64]bool{}}
	large := &content{shown: make([]shown, contentsBytes/8/10)}
	for n := range int64(25) {
		c.keep(map[sight]*content{{inventory: n}: large}, nil)
	}
	if len(c.list) < 5 || len(c.list) > 10 || c.size != len(c.list)*large.bytes() {
		t.Errorf("%d contents of %d bytes", len(c.list), c.size)
	}
	for at := range c.list {
		if !c.has(at.inventory) || c.get(at) != large {
			t.Errorf("%v is not known", at)
		}
	}
	if len(c.known) != len(c.list) {
		t.Errorf("%d known, %d kept", len(c.known), len(c.list))
	}
}
