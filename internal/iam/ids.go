package iam

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"

	"muster/internal/arn"
	"muster/internal/iam/desk"
)

// The prefixes of unique ids.
const (
	userPrefix      = "AIDA"
	groupPrefix     = "AGPA"
	rolePrefix      = "AROA"
	longTermPrefix  = "AKIA"
	temporaryPrefix = "ASIA"
)

var idEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// newUniqueID makes a unique id of 21 characters, such as AIDA….
func newUniqueID(prefix string) string { return desk.NewUniqueID(prefix) }

// accountShift is where the account's number begins in the first six bytes of
// an access key id; the bit above the number marks ids that carry one.
const accountShift = 7

// newAccessKeyID makes an access key id of 20 characters that carries its
// account's number, as AWS's do: then the account is known before the key is
// looked up, and GetAccessKeyInfo works for keys of any age.
func newAccessKeyID(prefix string, account arn.AccountID) (string, error) {
	n, err := strconv.ParseUint(string(account), 10, 40)
	if err != nil {
		return "", fmt.Errorf("account %q: %w", account, err)
	}
	b := append(make([]byte, 2), random(10)...)
	low := binary.BigEndian.Uint64(b) & (1<<accountShift - 1)
	binary.BigEndian.PutUint64(b, 1<<47|n<<accountShift|low)
	return prefix + idEncoding.EncodeToString(b[2:]), nil
}

// AccountOfKey reads the account's number from an access key id. It does not
// say that the key exists.
func AccountOfKey(id string) (arn.AccountID, bool) {
	if len(id) != 20 || id[:4] != longTermPrefix && id[:4] != temporaryPrefix {
		return "", false
	}
	b, err := idEncoding.DecodeString(id[4:])
	if err != nil {
		return "", false
	}
	n := binary.BigEndian.Uint64(append(make([]byte, 2), b...))
	account := arn.AccountID(fmt.Sprintf("%012d", n&(1<<47-1)>>accountShift))
	return account, n>>47 == 1 && account.Valid()
}

// newSecret makes a secret access key of 40 characters.
func newSecret() string { return base64.StdEncoding.EncodeToString(random(30)) }

// random returns n fresh bytes; the system's source never fails.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
