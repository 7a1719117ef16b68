package logins

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of a hash, by OWASP's second choice for argon2id: 19 MiB, two
// passes, one lane.
const (
	memory  = 19 << 10 // KiB
	passes  = 2
	lanes   = 1
	keySize = 32
)

var encoding = base64.RawStdEncoding

// hash writes a password down in the usual text form of argon2id.
func hash(password string) string {
	var salt [16]byte
	// It never fails; see crypto/rand.
	_, _ = rand.Read(salt[:])
	key := argon2.IDKey([]byte(password), salt[:], passes, memory, lanes, keySize)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes, encoding.EncodeToString(salt[:]), encoding.EncodeToString(key))
}

var errHash = errors.New("not a hash of argon2id")

// isPassword reports whether a text of hash belongs to the password. The costs
// are the text's own, so that they can be raised later.
func isPassword(text, password string) (bool, error) {
	parts := strings.Split(text, "$")
	var version, m, t, p int
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errHash
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &m, &t, &p); err != nil || m < 1 || m > 1<<20 || t < 1 || t > 16 || p < 1 || p > 16 {
		return false, errHash
	}
	salt, err := encoding.DecodeString(parts[4])
	if err != nil {
		return false, errHash
	}
	want, err := encoding.DecodeString(parts[5])
	if err != nil || len(want) == 0 || len(want) > 128 {
		return false, errHash
	}
	got := argon2.IDKey([]byte(password), salt, uint32(t), uint32(m), uint8(p), uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
