// Package keyring keeps the secrets that muster must be able to read again,
// above all the secret access keys that signature verification recomputes.
// Secrets are stored under envelope encryption: every secret is sealed with a
// data key of its own, and only the data key is sealed with the key-encryption
// key (KEK). The KEK never reaches the database, so a copy of the database
// alone gives away no secret, and a changed KEK needs data keys rewrapped, not
// secrets re-encrypted.
//
// A sealed secret is, in bytes:
//
//	1   format, 1
//	4   which KEK: the first bytes of its fingerprint
//	12  nonce | 48 data key and tag, under the KEK
//	12  nonce | n+16 secret and tag, under the data key
//
// Both layers are AES-256-GCM and authenticate the caller's aad, so a sealed
// secret copied to another record does not open there.
package keyring

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// KeySize is the length of a key-encryption key in bytes.
const KeySize = 32

// What Open can find wrong. Both mean that the secret stays closed.
var (
	// ErrWrongKey: the secret was sealed under another key-encryption key.
	ErrWrongKey = errors.New("sealed with a different key-encryption key than the one in use")
	// ErrDamaged: the bytes are no sealed secret, were changed, or belong to
	// another record.
	ErrDamaged = errors.New("sealed secret is damaged or belongs to another record")
)

const (
	format     = 1
	idSize     = 4
	nonceSize  = 12
	tagSize    = 16
	headerSize = 1 + idSize
	wrapped    = nonceSize + KeySize + tagSize
	overhead   = headerSize + wrapped + nonceSize + tagSize
)

// Keyring seals and opens secrets. It is safe for concurrent use.
type Keyring struct {
	kek         []byte
	wrap        cipher.AEAD
	fingerprint []byte
}

// New makes a keyring of a key-encryption key of KeySize bytes.
func New(kek []byte) (*Keyring, error) {
	if len(kek) != KeySize {
		return nil, fmt.Errorf("a key-encryption key has %d bytes, not %d", KeySize, len(kek))
	}
	k := &Keyring{kek: bytes.Clone(kek)}
	k.wrap = newAEAD(k.Derive("keyring wrap v1"))
	k.fingerprint = k.Derive("keyring fingerprint v1")[:16]
	return k, nil
}

// Fingerprint names the key-encryption key without giving it away, in hex. A
// database remembers it to notice early that it is opened with another key.
func (k *Keyring) Fingerprint() string { return hex.EncodeToString(k.fingerprint) }

// Derive returns KeySize bytes for one purpose (HKDF-SHA256), for keys that
// need not be stored: page tokens, session tokens. The same KEK and purpose
// give the same bytes; different purposes tell nothing about each other.
func (k *Keyring) Derive(purpose string) []byte {
	out, err := hkdf.Key(sha256.New, k.kek, nil, "muster "+purpose, KeySize)
	if err != nil {
		panic("keyring: " + err.Error()) // only for absurd lengths
	}
	return out
}

// Seal encrypts a secret for the record that aad names, such as an access key
// id. Sealing twice gives different bytes.
func (k *Keyring) Seal(aad string, plain []byte) []byte {
	dataKey := random(KeySize)
	out := make([]byte, 0, overhead+len(plain))
	out = append(out, format)
	out = append(out, k.fingerprint[:idSize]...)
	out = seal(out, k.wrap, aad, dataKey)
	return seal(out, newAEAD(dataKey), aad, plain)
}

// Open decrypts what Seal made with the same aad. It returns ErrWrongKey or
// ErrDamaged.
func (k *Keyring) Open(aad string, sealed []byte) ([]byte, error) {
	if len(sealed) < overhead || sealed[0] != format {
		return nil, ErrDamaged
	}
	if !bytes.Equal(sealed[1:headerSize], k.fingerprint[:idSize]) {
		return nil, ErrWrongKey
	}
	dataKey, err := open(k.wrap, aad, sealed[headerSize:headerSize+wrapped])
	if err != nil {
		return nil, ErrDamaged
	}
	plain, err := open(newAEAD(dataKey), aad, sealed[headerSize+wrapped:])
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

func seal(dst []byte, aead cipher.AEAD, aad string, plain []byte) []byte {
	nonce := random(nonceSize)
	dst = append(dst, nonce...)
	return aead.Seal(dst, nonce, plain, []byte(aad))
}

func open(aead cipher.AEAD, aad string, sealed []byte) ([]byte, error) {
	return aead.Open(nil, sealed[:nonceSize], sealed[nonceSize:], []byte(aad))
}

func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("keyring: " + err.Error()) // only for a wrong key length
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("keyring: " + err.Error()) // AES always has GCM's block size
	}
	return aead
}

// random returns n fresh bytes. The system's source does not fail: Go's
// runtime ends the program instead.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
