package reach

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"

	"muster/internal/network/facts"
	"muster/internal/store"
	"muster/internal/store/topology"
)

// partKey is facts as an account tells them of a Region.
type partKey struct {
	facts.Scope
	digest string
}

// parts keeps facts that were read, up to a size of what they were read from.
type parts struct {
	mu    sync.Mutex
	kept  map[partKey]facts.Part
	order []partKey
	sizes map[partKey]int64
	total int64
}

// mostKept bounds the packed size of the facts that are kept, in bytes.
const mostKept = 32 << 20

func (p *parts) get(k partKey) (facts.Part, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	part, ok := p.kept[k]
	return part, ok
}

func (p *parts) put(k partKey, part facts.Part, size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.kept[k]; ok {
		return
	}
	if p.kept == nil {
		p.kept, p.sizes = map[partKey]facts.Part{}, map[partKey]int64{}
	}
	p.kept[k], p.sizes[k], p.total = part, size, p.total+size
	p.order = append(p.order, k)
	for p.total > mostKept && len(p.order) > 1 {
		old := p.order[0]
		p.total -= p.sizes[old]
		delete(p.kept, old)
		delete(p.sizes, old)
		p.order = p.order[1:]
	}
}

// views keeps the networks that were last looked at.
type views struct {
	mu   sync.Mutex
	last []keptView
}

type keptView struct {
	key  [sha256.Size]byte
	view *view
}

// mostViews is how many networks are kept ready.
const mostViews = 4

// view is the networks that the snapshots tell of. Only one is built at a time:
// it takes memory.
func (s *Service) view(ctx context.Context, list []topology.Snapshot) (*view, error) {
	sum := sha256.New()
	for i := range list {
		fmt.Fprintln(sum, list[i].Account, list[i].Region, list[i].Digest)
	}
	key := [sha256.Size]byte(sum.Sum(nil))
	s.views.mu.Lock()
	defer s.views.mu.Unlock()
	for _, k := range s.views.last {
		if k.key == key {
			return k.view, nil
		}
	}
	var read []facts.Part
	for i := range list {
		if list[i].Digest == "" {
			continue
		}
		part, err := s.part(ctx, &list[i])
		if err != nil {
			return nil, err
		}
		read = append(read, part)
	}
	v := newView(read)
	s.views.last = append(s.views.last, keptView{key, v})
	if n := len(s.views.last) - mostViews; n > 0 {
		s.views.last = append([]keptView(nil), s.views.last[n:]...)
	}
	return v, nil
}

// part reads the facts of a snapshot.
func (s *Service) part(ctx context.Context, n *topology.Snapshot) (facts.Part, error) {
	k := partKey{facts.Scope{Account: n.Account, Region: n.Region}, n.Digest}
	if p, ok := s.parts.get(k); ok {
		return p, nil
	}
	body, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]byte, error) { return topology.Content(ctx, tx, n.Digest) })
	if err != nil {
		return facts.Part{}, err
	}
	p, err := unpackStored(body, k.Scope)
	if err != nil {
		return p, fmt.Errorf("network facts of %s in %s: %w", n.Account, n.Region, err)
	}
	s.parts.put(k, p, int64(len(body)))
	return p, nil
}
