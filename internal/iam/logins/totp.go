package logins

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"
)

// step is how long a code lasts (RFC 6238).
const step = 30 * time.Second

// drift is how many steps a device's clock may be off, either way.
const drift = 1

// base32Text is the form in which people type seeds.
var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// code is what a device with the seed shows during a time step (RFC 4226).
func code(seed []byte, at int64) string {
	mac := hmac.New(sha1.New, seed)
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(at))
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 15
	n := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

func stepAt(now time.Time) int64 { return now.Unix() / int64(step/time.Second) }

// matching is the time step, later than last, in which a device with the seed
// shows the code; ok is false when none near now does.
func matching(seed []byte, given string, now time.Time, last int64) (at int64, ok bool) {
	around := stepAt(now)
	for at := around - drift; at <= around+drift; at++ {
		if at > last && subtle.ConstantTimeCompare([]byte(code(seed, at)), []byte(given)) == 1 {
			return at, true
		}
	}
	return 0, false
}

// consecutive is the second of two steps within a search of so many steps
// around now in which a device shows the codes one after the other.
func consecutive(seed []byte, first, second string, now time.Time, width int64) (at int64, ok bool) {
	around := stepAt(now)
	for at := around - width; at <= around+width; at++ {
		if code(seed, at) == first && code(seed, at+1) == second {
			return at + 1, true
		}
	}
	return 0, false
}

// provisioning is the address that authenticators read from a QR code.
func provisioning(seed []byte, account, name string) string {
	q := url.Values{"secret": {base32Text.EncodeToString(seed)}, "issuer": {"muster"}}
	return "otpauth://totp/" + url.PathEscape("muster:"+name+"@"+account) + "?" + q.Encode()
}
