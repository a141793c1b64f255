// Package signature signs modules of plugins and says who signed one. It is pure: keys and signatures
// are bytes and texts.
//
// A signature is a small text beside the module, one line a word and what it is:
//
//	bpfhost signature v1
//	key ed25519:BASE64
//	signature BASE64
//
// Several keys may sign one module: the last two lines come once for each. What is signed is the
// SHA-256 of the module after a prefix, with Ed25519 (RFC 8032). Keys are kept as openssl keeps them
// (PKCS #8 in PEM).
package signature

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Key is a public key as policies name it: "ed25519:" and 32 bytes in base64.
type Key string

const (
	title   = "bpfhost signature v1"
	scheme  = "ed25519:"
	maxText = 16 << 10 // bytes of a text of signatures
)

// KeyOf returns the public key of a private one.
func KeyOf(private ed25519.PrivateKey) Key {
	public, _ := private.Public().(ed25519.PublicKey)
	return Key(scheme + base64.StdEncoding.EncodeToString(public))
}

// ParseKey reads a public key. There is one way to write a key, so that keys can be compared.
func ParseKey(text string) (Key, error) {
	if _, err := Key(text).bytes(); err != nil {
		return "", err
	}
	return Key(text), nil
}

// bytes returns the key itself.
func (k Key) bytes() (ed25519.PublicKey, error) {
	rest, ok := strings.CutPrefix(string(k), scheme)
	b, err := base64.StdEncoding.Strict().DecodeString(rest)
	if !ok || err != nil || len(b) != ed25519.PublicKeySize || strings.ContainsAny(rest, "\r\n") {
		return nil, errors.New("want a public key as ed25519: and 44 characters of base64")
	}
	return b, nil
}

// NewKey makes a private key, and its text for a file that only its owner may read.
func NewKey() (ed25519.PrivateKey, []byte, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	return private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParsePrivateKey reads the text that NewKey and "openssl genpkey -algorithm ed25519" make.
func ParsePrivateKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("read private key: want PEM with a PRIVATE KEY")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read private key: %w", err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("read private key: want one of Ed25519")
	}
	return private, nil
}

// message is what is signed of a module.
func message(module []byte) []byte {
	sum := sha256.Sum256(module)
	return []byte(title + "\nsha256 " + hex.EncodeToString(sum[:]) + "\n")
}

// Sign returns the text of signatures with one more, by a private key. The text before may be empty;
// an older signature by the same key is replaced. Its other signatures need not be those of the
// module.
func Sign(module, before []byte, private ed25519.PrivateKey) ([]byte, error) {
	list, err := parse(before)
	if err != nil && len(before) > 0 {
		return nil, err
	}
	own := KeyOf(private)
	list = slices.DeleteFunc(list, func(s signed) bool { return s.key == own })
	list = append(list, signed{own, ed25519.Sign(private, message(module))})
	var b strings.Builder
	b.WriteString(title + "\n")
	for _, s := range list {
		fmt.Fprintf(&b, "key %s\nsignature %s\n", s.key, base64.StdEncoding.EncodeToString(s.signature))
	}
	return []byte(b.String()), nil
}

// signed is one signature.
type signed struct {
	key       Key
	signature []byte
}

// Verify returns the keys that signed a module. One signature that is not of this module is an error,
// so that a module that was changed does not pass as unsigned.
func Verify(module, text []byte) ([]Key, error) {
	list, err := parse(text)
	if err != nil {
		return nil, err
	}
	var keys []Key
	for _, s := range list {
		public, err := s.key.bytes()
		if err != nil {
			return nil, err
		}
		if !ed25519.Verify(public, message(module), s.signature) {
			return nil, fmt.Errorf("verify signature: the one by %s is not of this module", s.key)
		}
		keys = append(keys, s.key)
	}
	return keys, nil
}

// parse reads a text of signatures.
func parse(text []byte) ([]signed, error) {
	bad := func(line int, want string) error {
		return fmt.Errorf("read signature: line %d: want %s", line, want)
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("read signature: it has %d bytes, the limit is %d", len(text), maxText)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if lines[0] != title {
		return nil, bad(1, fmt.Sprintf("%q", title))
	}
	var list []signed
	for i := 1; i < len(lines); i += 2 {
		word, ok := strings.CutPrefix(lines[i], "key ")
		key, err := ParseKey(word)
		if !ok || err != nil {
			return nil, bad(i+1, "key ed25519:BASE64")
		}
		if slices.ContainsFunc(list, func(s signed) bool { return s.key == key }) {
			return nil, fmt.Errorf("read signature: line %d: the key signed already", i+1)
		}
		if i+1 == len(lines) {
			return nil, bad(i+2, "signature BASE64")
		}
		word, ok = strings.CutPrefix(lines[i+1], "signature ")
		b, err := base64.StdEncoding.Strict().DecodeString(word)
		if !ok || err != nil || len(b) != ed25519.SignatureSize {
			return nil, bad(i+2, "signature BASE64")
		}
		list = append(list, signed{key, b})
	}
	if len(list) == 0 {
		return nil, bad(2, "key ed25519:BASE64")
	}
	return list, nil
}
