package signature

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"
)

// private returns a key that is always the same.
func private(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)) }

func sign(t testing.TB, module, before []byte, n byte) []byte {
	t.Helper()
	text, err := Sign(module, before, private(n))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSign(t *testing.T) {
	module := []byte("\x00asm")
	one := sign(t, module, nil, 1)
	keys, err := Verify(module, one)
	if err != nil || !slices.Equal(keys, []Key{KeyOf(private(1))}) {
		t.Errorf("one: %v, %v", keys, err)
	}
	both := sign(t, module, one, 2)
	if keys, err = Verify(module, both); err != nil || !slices.Equal(keys, []Key{KeyOf(private(1)), KeyOf(private(2))}) {
		t.Errorf("both: %v, %v", keys, err)
	}
	if again := sign(t, module, both, 2); !bytes.Equal(again, both) {
		t.Errorf("signed twice:\n%s", again)
	}
	if _, err = Verify([]byte("\x00asn"), both); err == nil || !strings.Contains(err.Error(), "is not of this module") {
		t.Errorf("another module: %v", err)
	}
	changed := sign(t, []byte("other"), both, 2)
	if _, err = Verify([]byte("other"), changed); err == nil {
		t.Error("an old signature beside a new one was accepted")
	}
}

func TestVerifyRejects(t *testing.T) {
	good := string(sign(t, nil, nil, 1))
	for name, text := range map[string]string{
		"empty": "", "title": title + "\n", "no signature": good[:strings.Index(good, "signature ed")+1] + "\nkey " + string(KeyOf(private(1))),
		"twice": good + good[strings.Index(good, "key "):], "other title": "x" + good, "no base64": strings.Replace(good, "signature ", "signature !", 2),
		"short": strings.Replace(good, "=", "", 1), "key": strings.Replace(good, "ed25519:", "ed448:", 1),
		"blank": strings.Replace(good, "key ", "\nkey ", 1), "long": good + strings.Repeat("\n", maxText),
	} {
		if keys, err := Verify(nil, []byte(text)); err == nil {
			t.Errorf("%s: signed by %v", name, keys)
		}
	}
}

func TestKeys(t *testing.T) {
	key, text, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParsePrivateKey(text)
	if err != nil || !back.Equal(key) {
		t.Errorf("a key that was written: %v", err)
	}
	if k, err := ParseKey(string(KeyOf(key))); err != nil || k != KeyOf(key) {
		t.Errorf("a public key: %q, %v", k, err)
	}
	for _, bad := range []string{"", "ed25519:", "ed25519:AAAA", string(KeyOf(key)) + "\n", " " + string(KeyOf(key)), strings.TrimSuffix(string(KeyOf(key)), "=")} {
		if _, err := ParseKey(bad); err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
	const openssl = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n-----END PRIVATE KEY-----\n"
	if back, err = ParsePrivateKey([]byte(openssl)); err != nil || !back.Equal(private(1)) {
		t.Errorf("a key of openssl: %v", err)
	}
	for _, bad := range []string{"", "x", strings.Replace(openssl, "PRIVATE", "PUBLIC", 2), strings.Replace(openssl, "MC4C", "MC5C", 1)} {
		if _, err := ParsePrivateKey([]byte(bad)); err == nil {
			t.Errorf("%q is a private key", bad)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte("\x00asm"), sign(f, []byte("\x00asm"), nil, 1))
	f.Fuzz(func(t *testing.T, module, text []byte) {
		keys, err := Verify(module, text)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%v, %v", keys, err)
		}
	})
}
