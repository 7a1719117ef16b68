package logins

import (
	"encoding/base32"
	"testing"
	"time"
)

// TestCodes uses the vectors of RFC 6238, appendix B, shortened to six digits.
func TestCodes(t *testing.T) {
	seed := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := code(seed, stepAt(time.Unix(at, 0))); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func TestHashes(t *testing.T) {
	text := hash("open sesame")
	if text == hash("open sesame") {
		t.Error("two hashes are equal: no salt")
	}
	for password, want := range map[string]bool{"open sesame": true, "open Sesame": false, "": false} {
		if ok, err := isPassword(text, password); ok != want || err != nil {
			t.Errorf("%q: %v, %v", password, ok, err)
		}
	}
	// Made by the reference implementation's command: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32
	const known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, err := isPassword(known, "password"); !ok || err != nil {
		t.Errorf("a known hash: %v, %v", ok, err)
	}
}

// FuzzIsPassword: no text of a hash brings the comparison down.
func FuzzIsPassword(f *testing.F) {
	f.Add("$argon2id$v=19$m=16,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=0,t=0,p=0$$")
	f.Fuzz(func(t *testing.T, text string) {
		if ok, err := isPassword(text, "x"); ok && err != nil {
			t.Error("both right and broken")
		}
	})
}

func TestProvisioning(t *testing.T) {
	seed := []byte("12345678901234567890")
	want := "otpauth://totp/muster:my%20phone@111122223333?issuer=muster&secret=" + base32.StdEncoding.EncodeToString(seed)
	if got := provisioning(seed, "111122223333", "my phone"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
