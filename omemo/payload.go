// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
)

const (
	// MaxPayload is the largest payload that is encrypted or decrypted, 1 MiB. Stanzas are smaller.
	MaxPayload = 1 << 20

	tagSize = 16
	ivSize  = 12
	// oldIVSize is what clients of 2016 to 2019 sent.
	oldIVSize = 16
)

// sealed is an encrypted payload and what the ratchets carry for it.
type sealed struct {
	iv         []byte // 0.3 only
	ciphertext []byte // nil in an empty message
	secret     []byte // key and tag
	transport  bool   // the secret is for the caller (KeyTransport)
}

// sealMessage encrypts a payload.
func sealMessage(v Version, plaintext []byte) (sealed, error) {
	if len(plaintext) > MaxPayload {
		return sealed{}, fail(CodeLimit, "payload is too large")
	}
	p := v.params()
	// One journey for both, where randomness is far away; and room for the tag behind the key.
	drawn := make([]byte, ivSize+p.payloadKey, ivSize+p.payloadKey+tagSize)
	fillRandom(drawn)
	iv, key := drawn[:ivSize:ivSize], drawn[ivSize:]
	if v == V2 {
		keys := deriveKeys(key, p.infoPayload)
		ciphertext, err := encryptCBC(&keys, plaintext)
		if err != nil {
			return sealed{}, err
		}
		return sealed{ciphertext: ciphertext, secret: append(key, payloadMAC(&keys, ciphertext)...)}, nil
	}
	gcm, err := newGCM(key, ivSize)
	if err != nil {
		return sealed{}, err
	}
	both := gcm.Seal(nil, iv, plaintext, nil) //nolint:gosec // the IV was drawn above
	cut := len(both) - tagSize
	return sealed{iv: iv, ciphertext: both[:cut:cut], secret: append(key, both[cut:]...)}, nil
}

// sealEmpty is a message without payload: 32 zero bytes in omemo:2, a random key in 0.3 ("key transport
// element").
func sealEmpty(v Version) sealed {
	p := v.params()
	secret := make([]byte, p.payloadKey)
	if v == V2 {
		return sealed{secret: secret}
	}
	fillRandom(secret)
	return sealed{iv: newIV(), secret: secret}
}

func newIV() []byte {
	iv := make([]byte, ivSize)
	fillRandom(iv)
	return iv
}

// openPayload decrypts a payload with the secret that came through the ratchet.
func openPayload(v Version, secret, iv, ciphertext []byte) ([]byte, error) {
	p := v.params()
	if len(ciphertext) > MaxPayload+aes.BlockSize {
		return nil, fail(CodeLimit, "payload is too large")
	}
	if len(secret) != p.payloadKey+tagSize {
		return nil, fail(CodePayload, "key of the payload has the wrong size")
	}
	key, tag := secret[:p.payloadKey], secret[p.payloadKey:]
	if v == V2 {
		keys := deriveKeys(key, p.infoPayload)
		if subtle.ConstantTimeCompare(payloadMAC(&keys, ciphertext), tag) != 1 {
			return nil, fail(CodePayload, "MAC of the payload")
		}
		return decryptCBC(&keys, ciphertext)
	}
	if len(iv) != ivSize && len(iv) != oldIVSize {
		return nil, fail(CodeMalformed, "IV must be 12 or 16 bytes")
	}
	gcm, err := newGCM(key, len(iv))
	if err != nil {
		return nil, err
	}
	both := append(append(make([]byte, 0, len(ciphertext)+tagSize), ciphertext...), tag...)
	plaintext, err := gcm.Open(both[:0], iv, both, nil)
	if err != nil {
		return nil, fail(CodePayload, "tag of the payload")
	}
	return plaintext, nil
}

func newGCM(key []byte, nonceSize int) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fail(CodeArgument, err.Error())
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, nonceSize)
	if err != nil {
		return nil, fail(CodeArgument, err.Error())
	}
	return gcm, nil
}

func payloadMAC(k *keyMaterial, ciphertext []byte) []byte {
	sum := hmac256(&k.mac, ciphertext)
	return sum[:tagSize]
}
