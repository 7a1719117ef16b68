// Package paths follows packets through networks: out of interfaces, in from
// edges, through load balancers, there and back, and says for which addresses
// and ports the rules on the way agree. It is pure.
package paths

import (
	"sync"

	"muster/internal/network/topology"
)

// Finder finds the paths of one network. It may be used by several goroutines
// at once.
type Finder struct {
	*topology.Network
	memo sync.Map
}

// New makes a finder.
func New(n *topology.Network) *Finder { return &Finder{Network: n} }
