package sigv4

import "sync"

// Verifier remembers signing keys, which are good for a day and cost four HMACs
// to derive. It is safe for concurrent use.
type Verifier struct {
	mu   sync.RWMutex
	keys map[scope][]byte
	most int
}

// scope names a signing key. The secret is part of the name, so that a key
// never outlives the secret it was made from.
type scope struct{ secret, date, region, service string }

// NewVerifier returns a Verifier that remembers at most so many keys.
func NewVerifier(most int) *Verifier {
	return &Verifier{keys: map[scope][]byte{}, most: most}
}

func (v *Verifier) key(s *Signature, secret string) []byte {
	id := scope{secret, s.Date, s.Region, s.Service}
	v.mu.RLock()
	k := v.keys[id]
	v.mu.RUnlock()
	if k != nil {
		return k
	}
	k = derive(id)
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.keys) >= v.most {
		v.evict()
	}
	v.keys[id] = k
	return k
}

// evict drops a quarter of the keys, whichever the map yields first: cheap, and
// nobody can choose which.
func (v *Verifier) evict() {
	n := v.most/4 + 1
	for id := range v.keys {
		delete(v.keys, id)
		if n--; n == 0 {
			return
		}
	}
}

func derive(id scope) []byte {
	k := mac([]byte("AWS4"+id.secret), []byte(id.date))
	k = mac(k, []byte(id.region))
	k = mac(k, []byte(id.service))
	return mac(k, []byte(terminator))
}
