// SPDX-License-Identifier: AGPL-3.0-or-later

package omemo

import (
	"crypto/aes"
	"crypto/subtle"
)

// encryptCBC is AES-256-CBC with PKCS #7 padding (RFC 5652 section 6.3). The mode is here because crypto/cipher copies the
// cipher for every message, which costs as much as encrypting one key.
func encryptCBC(k *keyMaterial, plaintext []byte) ([]byte, error) {
	block, err := aes.NewCipher(k.cipher[:])
	if err != nil {
		return nil, fail(CodeArgument, err.Error())
	}
	pad := aes.BlockSize - len(plaintext)%aes.BlockSize
	out := make([]byte, len(plaintext)+pad)
	for i := copy(out, plaintext); i < len(out); i++ {
		out[i] = byte(pad)
	}
	previous := k.iv[:]
	for b := out; len(b) > 0; b = b[aes.BlockSize:] {
		subtle.XORBytes(b, b[:aes.BlockSize], previous)
		block.Encrypt(b, b)
		previous = b[:aes.BlockSize]
	}
	return out, nil
}

// decryptCBC reverses encryptCBC. The ciphertext has been authenticated before, so that the check of the
// padding tells an attacker nothing.
func decryptCBC(k *keyMaterial, ciphertext []byte) ([]byte, error) {
	if len(ciphertext) == 0 || len(ciphertext)%aes.BlockSize != 0 {
		return nil, fail(CodeMalformed, "ciphertext is not whole blocks")
	}
	block, err := aes.NewCipher(k.cipher[:])
	if err != nil {
		return nil, fail(CodeArgument, err.Error())
	}
	out := make([]byte, len(ciphertext))
	previous := k.iv[:]
	for at := 0; at < len(out); at += aes.BlockSize {
		b := out[at : at+aes.BlockSize]
		block.Decrypt(b, ciphertext[at:])
		subtle.XORBytes(b, b, previous)
		previous = ciphertext[at : at+aes.BlockSize]
	}
	pad := int(out[len(out)-1])
	if pad == 0 || pad > aes.BlockSize {
		return nil, fail(CodeMalformed, "padding")
	}
	for _, b := range out[len(out)-pad:] {
		if int(b) != pad {
			return nil, fail(CodeMalformed, "padding")
		}
	}
	return out[:len(out)-pad], nil
}
