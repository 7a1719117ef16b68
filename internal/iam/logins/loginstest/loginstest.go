// Package loginstest stands in for the authenticator on somebody's phone. It
// shares no code with what checks its codes.
package loginstest

import (
	"crypto/hmac"
	"crypto/sha1"
	"fmt"
	"time"
)

// Code is what an authenticator with the seed shows at a time (RFC 6238).
func Code(seed []byte, at time.Time) string {
	n := at.Unix() / 30
	counter := make([]byte, 8)
	for i := range counter {
		counter[7-i] = byte(n >> (8 * i))
	}
	mac := hmac.New(sha1.New, seed)
	mac.Write(counter)
	h := mac.Sum(nil)
	o := int(h[19] & 0xf)
	value := (int(h[o])&0x7f)<<24 | int(h[o+1])<<16 | int(h[o+2])<<8 | int(h[o+3])
	return fmt.Sprintf("%06d", value%1000000)
}
