package webpush

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

const (
	authSize   = 16
	saltSize   = 16
	recordSize = 4096
	// pointSize is that of an uncompressed point on P-256.
	pointSize = 65
	// lastRecord stands behind the content of the last record (RFC 8188 section 2).
	lastRecord = 2
)

// encrypt makes the body of a message for a browser (RFC 8291): content in the encoding aes128gcm of RFC 8188,
// as its one record.
func encrypt(sub *Subscription, content []byte) ([]byte, error) {
	ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("webpush: key: %w", err)
	}
	var salt [saltSize]byte
	_, _ = rand.Read(salt[:]) // it does not fail
	return seal(sub, content, ephemeral, salt[:])
}

func seal(sub *Subscription, content []byte, ephemeral *ecdh.PrivateKey, salt []byte) ([]byte, error) {
	receiver, err := ecdh.P256().NewPublicKey(sub.Key)
	if err != nil {
		return nil, fmt.Errorf("webpush: the key of a subscription: %w", err)
	}
	shared, err := ephemeral.ECDH(receiver)
	if err != nil {
		return nil, fmt.Errorf("webpush: key agreement: %w", err)
	}
	sender := ephemeral.PublicKey().Bytes()
	// RFC 8291 section 3.3.
	ikm, err := hkdf.Key(sha256.New, shared, sub.Auth, "WebPush: info\x00"+string(sub.Key)+string(sender), 32)
	if err != nil {
		return nil, fmt.Errorf("webpush: key derivation: %w", err)
	}
	// RFC 8188 section 2.
	key, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, fmt.Errorf("webpush: key derivation: %w", err)
	}
	nonce, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, fmt.Errorf("webpush: key derivation: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("webpush: cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("webpush: cipher: %w", err)
	}
	body := append(make([]byte, 0, 256), salt...)
	body = binary.BigEndian.AppendUint32(body, recordSize)
	body = append(body, pointSize)
	body = append(body, sender...)
	return aead.Seal(body, nonce, append(append([]byte{}, content...), lastRecord), nil), nil
}
