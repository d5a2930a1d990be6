// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"testing"
)

// Clients of the years 2016 to 2019 made IVs of 16 bytes in 0.3.
func TestPayloadWithOldIV(t *testing.T) {
	key, iv := bytes.Repeat([]byte{7}, 16), bytes.Repeat([]byte{8}, oldIVSize)
	gcm, err := newGCM(key, oldIVSize)
	if err != nil {
		t.Fatal(err)
	}
	both := gcm.Seal(nil, iv, []byte("old"), nil)
	text, err := openPayload(V03, append(key, both[3:]...), iv, both[:3])
	if err != nil || string(text) != "old" {
		t.Fatalf("%q %v", text, err)
	}
	for _, n := range []int{0, 8, 11, 13, 15, 17, 32} {
		if _, err := openPayload(V03, append(key, both[3:]...), make([]byte, n), both[:3]); CodeOf(err) != CodeMalformed {
			t.Errorf("IV of %d bytes: %v", n, err)
		}
	}
}

// The secret in the ratchet must be key and tag, of exactly these sizes.
func TestPayloadSecretSize(t *testing.T) {
	for _, v := range []Version{V03, V2} {
		s, err := sealMessage(v, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(s.secret) + 8 {
			secret := append(bytes.Clone(s.secret), make([]byte, 8)...)[:n]
			if _, err := openPayload(v, secret, s.iv, s.ciphertext); (err == nil) != (n == len(s.secret)) {
				t.Errorf("%s: secret of %d bytes: %v", v.Namespace(), n, err)
			}
		}
	}
}

// What an empty message carries (XEP-0384 section 5.5.3): 32 zero bytes in omemo:2.
func TestEmptySecrets(t *testing.T) {
	if s := sealEmpty(V2); !bytes.Equal(s.secret, make([]byte, 32)) || s.iv != nil || s.ciphertext != nil {
		t.Errorf("%+v", s)
	}
	if s := sealEmpty(V03); len(s.secret) != 16 || bytes.Equal(s.secret, make([]byte, 16)) || len(s.iv) != 12 || s.ciphertext != nil {
		t.Errorf("%+v", s)
	}
}

func TestCBCAgreesWithStandardLibrary(t *testing.T) {
	for size := range 100 {
		key := randomBytes(size)
		keys := deriveKeys(key[:], "test")
		plaintext := bytes.Repeat([]byte{byte(size)}, size)
		ciphertext, err := encryptCBC(&keys, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		block, err := aes.NewCipher(keys.cipher[:])
		if err != nil {
			t.Fatal(err)
		}
		pad := aes.BlockSize - size%aes.BlockSize
		want := append(plaintext, bytes.Repeat([]byte{byte(pad)}, pad)...)
		cipher.NewCBCEncrypter(block, keys.iv[:]).CryptBlocks(want, want)
		got, err := decryptCBC(&keys, ciphertext)
		if err != nil || !bytes.Equal(ciphertext, want) || !bytes.Equal(got, plaintext) {
			t.Fatalf("%d bytes: %x, %x, %v", size, ciphertext, got, err)
		}
	}
}
