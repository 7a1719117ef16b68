package fleetgen

import (
	"cmp"
	"flag"
)

// Flags defines the flags of a fleet's shape; the shape is known once they are
// parsed.
func Flags(set *flag.FlagSet) func() Shape {
	resources := set.Int("resources", 10_000, "how many machines")
	inventories := set.Int("inventories", 0, "how many different inventories they have (default a fiftieth)")
	accounts := set.Int("accounts", 0, "how many accounts they belong to (default a hundredth, at most 10,000)")
	oneIn := set.Int("one-in", 0, "which part of the packages has an advisory: one in so many (default 27, some ten findings a machine)")
	seed := set.Uint64("seed", 1, "another number makes another fleet of the same size")
	return func() Shape {
		s := Usual(*resources)
		s.Inventories, s.Accounts = cmp.Or(*inventories, s.Inventories), cmp.Or(*accounts, s.Accounts)
		s.OneIn, s.Seed = cmp.Or(*oneIn, s.OneIn), *seed
		return s
	}
}
