package bundle

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// purpose keeps a signature from meaning anything elsewhere.
const purpose = "muster feeds bundle v1\n"

// maxKeyFile bounds files of keys.
const maxKeyFile = 1 << 20

// KeyID names a public key: the first half of its SHA-256, hexadecimal.
func KeyID(k ed25519.PublicKey) string {
	sum := sha256.Sum256(k)
	return hex.EncodeToString(sum[:16])
}

// GenerateKey makes a key pair: the private key in a file that must not exist
// yet and that only its owner can read, the public key beside it in path.pub.
func GenerateKey(path string) (ed25519.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	open, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	if err := create(path, 0o600, &pem.Block{Type: "PRIVATE KEY", Bytes: secret}); err != nil {
		return nil, err
	}
	return public, create(path+".pub", 0o644, &pem.Block{Type: "PUBLIC KEY", Bytes: open})
}

func create(path string, mode os.FileMode, block *pem.Block) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	return errors.Join(pem.Encode(f, block), f.Sync(), f.Close())
}

// ReadKey reads a private key that GenerateKey made.
func ReadKey(path string) (ed25519.PrivateKey, error) {
	b, err := readBounded(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("%s: not a private key (muster feeds keygen makes one)", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	k, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s: not an ed25519 key", path)
	}
	return k, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxKeyFile))
}

// Trust says which bundles are believed.
type Trust struct {
	Keys []ed25519.PublicKey
	// Unsigned also believes bundles without a signature, and those of unknown
	// keys. A wrong signature of a trusted key is refused all the same.
	Unsigned bool
}

// ReadTrust reads files of public keys; each may hold several.
func ReadTrust(paths []string) (Trust, error) {
	var t Trust
	for _, path := range paths {
		rest, err := readBounded(path)
		if err != nil {
			return t, fmt.Errorf("trusted key: %w", err)
		}
		before := len(t.Keys)
		for {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			key, err := x509.ParsePKIXPublicKey(block.Bytes)
			k, ok := key.(ed25519.PublicKey)
			if err != nil || !ok {
				return t, fmt.Errorf("trusted key: %s: a %s block is no ed25519 public key", path, block.Type)
			}
			t.Keys = append(t.Keys, k)
		}
		if len(t.Keys) == before {
			return t, fmt.Errorf("trusted key: %s: no public key in it", path)
		}
	}
	return t, nil
}

// sign makes the signature member: key id and signature.
func sign(key ed25519.PrivateKey, manifest []byte) []byte {
	if key == nil {
		return nil
	}
	signature := ed25519.Sign(key, append([]byte(purpose), manifest...))
	id := KeyID(key.Public().(ed25519.PublicKey))
	return []byte("ed25519 " + id + " " + base64.StdEncoding.EncodeToString(signature) + "\n")
}

// verify returns the id of the signer, "" if there is none and need be none.
func (t Trust) verify(manifest, signature []byte) (string, error) {
	if len(signature) == 0 {
		if t.Unsigned {
			return "", nil
		}
		return "", ErrUnsigned
	}
	fields := strings.Fields(string(signature))
	if len(fields) != 3 || fields[0] != "ed25519" {
		return "", fmt.Errorf("%w: %.100q", ErrSignature, signature)
	}
	raw, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrSignature, err)
	}
	for _, k := range t.Keys {
		if KeyID(k) != fields[1] {
			continue
		}
		if !ed25519.Verify(k, append([]byte(purpose), manifest...), raw) {
			return "", fmt.Errorf("%w: it is not what key %s signed", ErrSignature, fields[1])
		}
		return fields[1], nil
	}
	if t.Unsigned {
		return "", nil
	}
	return "", fmt.Errorf("%w: %.64s", ErrUntrusted, fields[1])
}
