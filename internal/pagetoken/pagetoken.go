// Package pagetoken makes the nextToken values of list operations: opaque,
// authenticated and encrypted, and bound to the caller's account, the Region,
// the operation and the query, so that a token is good for nothing but the next
// page of the same list.
package pagetoken

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/internal/awsmodel"
)

// Life is how long a token is good. A client that pauses longer starts over.
const Life = 24 * time.Hour

// MaxLength bounds what Open looks at, in characters.
const MaxLength = 8 << 10

// ErrInvalid is Open's answer for a token that is damaged, forged, expired, or
// of another list, account or Region. Which of these is not told.
var ErrInvalid = errors.New("invalid page token")

// Sealer seals and opens tokens. It is safe for concurrent use.
type Sealer struct{ aead cipher.AEAD }

// New makes a Sealer from secret key material of at least 16 bytes. Servers
// that share their state must share the key.
func New(key []byte) (*Sealer, error) {
	if len(key) < 16 {
		return nil, fmt.Errorf("pagetoken: the key has %d bytes, needs 16", len(key))
	}
	derived, err := hkdf.Key(sha256.New, key, nil, "muster page tokens 1", 32)
	if err != nil {
		return nil, fmt.Errorf("pagetoken: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("pagetoken: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("pagetoken: %w", err)
	}
	return &Sealer{aead}, nil
}

// Seal returns the token that continues after cursor, a position of the
// caller's own making. The query is everything that decides what the list holds
// and how it is ordered, without token and page size; it is hashed through its
// JSON encoding, so it must be plain data.
func (s *Sealer) Seal(call *awsmodel.Call, op string, query any, cursor []byte) string {
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(cursor)), uint64(call.Time.Unix()))
	plain = append(plain, cursor...)
	sealed := s.aead.Seal(nil, nil, plain, binding(call, op, query))
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// Open returns the cursor of a token that was sealed for the same account,
// Region, operation and query, or ErrInvalid.
func (s *Sealer) Open(call *awsmodel.Call, op string, query any, token string) ([]byte, error) {
	if len(token) > MaxLength {
		return nil, ErrInvalid
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, ErrInvalid
	}
	plain, err := s.aead.Open(nil, nil, sealed, binding(call, op, query))
	if err != nil || len(plain) < 8 {
		return nil, ErrInvalid
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(plain)), 0)
	if call.Time.Sub(made) > Life {
		return nil, ErrInvalid
	}
	return plain[8:], nil
}

// binding is what the token is tied to. Lengths keep the fields apart.
func binding(call *awsmodel.Call, op string, query any) []byte {
	q, err := json.Marshal(query)
	if err != nil {
		panic(fmt.Sprintf("pagetoken: the query of %s is not plain data: %v", op, err))
	}
	hash := sha256.Sum256(q)
	var b []byte
	for _, field := range []string{string(call.Account()), string(call.Region), op, string(hash[:])} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(field)))
		b = append(b, field...)
	}
	return b
}

// NewKey makes fresh key material for New.
func NewKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, as crypto/rand documents
	return key
}
