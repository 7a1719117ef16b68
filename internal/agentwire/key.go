package agentwire

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
)

// PathKey is where a host replaces its key.
const PathKey = "/agent/v1/key"

// KeyRequest replaces a host's key. It is signed like every request, by the key
// that the host still has; Proof is the new key's, so nobody can make a host
// carry a key that they do not hold.
type KeyRequest struct {
	// PublicKey is the new Ed25519 public key, base64 on the wire.
	PublicKey []byte `json:"publicKey"`
	Proof     []byte `json:"proof"`
}

// KeyResponse answers a KeyRequest: from now on only the new key counts.
type KeyResponse struct{}

// NewKeyRequest is the request of a host for a new key.
func NewKeyRequest(host HostID, sequence int64, next ed25519.PrivateKey) KeyRequest {
	public := next.Public().(ed25519.PublicKey)
	return KeyRequest{PublicKey: public, Proof: ed25519.Sign(next, keyMessage(host, sequence, public))}
}

// Verify refuses a request whose sender does not hold the new key.
func (r *KeyRequest) Verify(host HostID, sequence int64) error {
	if len(r.PublicKey) != ed25519.PublicKeySize {
		return &InvalidError{[]string{fmt.Sprintf("publicKey: %d bytes, an Ed25519 key has %d", len(r.PublicKey), ed25519.PublicKeySize)}}
	}
	if !ed25519.Verify(r.PublicKey, keyMessage(host, sequence, r.PublicKey), r.Proof) {
		return &InvalidError{[]string{"proof: not made with the new key for this host and request"}}
	}
	return nil
}

func keyMessage(host HostID, sequence int64, key []byte) []byte {
	return []byte(strings.Join([]string{"MUSTER-AGENT-NEW-KEY", string(host), fmt.Sprint(sequence), base64.StdEncoding.EncodeToString(key)}, "\n"))
}
