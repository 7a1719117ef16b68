package ask

import "muster/internal/network/paths"

// Asker answers questions about one network. It may be used by several
// goroutines at once.
type Asker struct{ *paths.Finder }

// New makes an asker.
func New(f *paths.Finder) *Asker { return &Asker{f} }
